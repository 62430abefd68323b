// The scheduler's own context: what a worker does between fibers. Nothing here runs on a fiber's stack.
#include <algorithm>  // clamp, max, min
#include <cxxabi.h>   // __cxa_get_globals
#include <utility>    // exchange

#include <weft/base/cpu.hpp>  // read_cycles

#include "base/futex.hpp"
#include "context/switch.hpp"  // raise_inexact_flag
#include "fiber/failure.hpp"
#include "sched/chaos.hpp"
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/park_word.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/stop_hub.hpp"
#include "sched/worker.hpp"
#include "sched/worker_thread.hpp"
#include "stack/depot.hpp"  // tend_depot, depot_due

namespace weft::inline v0::detail {
namespace {

using namespace std::chrono_literals;

// How often to look around: a clock read and a poll cost as much as tens of switches, and nothing that comes from
// outside should wait longer than some 100 us.
constexpr auto round_length = 50us;
constexpr unsigned dispatches_per_check = 16;  // between two reads of the cycle counter
constexpr auto calibration_minimum = 20us;     // shorter spans say little about the counter's rate
constexpr std::uint64_t rounds_per_s = 1s / round_length;
constexpr std::uint64_t slowest_rate = slowest_cycles_per_s / rounds_per_s;  // in round_length: a counter may jump
constexpr std::uint64_t fastest_rate = fastest_cycles_per_s / rounds_per_s;

constexpr unsigned rounds_per_tending = 8;     // of a worker with fibers to run: an eighth of its time at most
constexpr unsigned longest_seeded_round = 8;   // dispatches; deterministic runs draw the length of each round
constexpr unsigned pauses_before_search = 60;  // 1 to 3 us
constexpr unsigned search_spins = 24;          // looks at the other workers before sleep, ~40 pauses apart: 10 us
constexpr unsigned pauses_per_spin = 40;
constexpr unsigned longest_backoff = 1024;  // spawns that pass before a searcher that was in vain is tried again
constexpr auto first_research = 1ms;        // a sleeper beside busy workers looks again after this, doubled each time
constexpr unsigned longest_research_shift =
    4;  // up to 16 ms; after that long a worker whose thread does not run is helped

// What countdown begins with. A schedule by priorities is asked after each dispatch.
unsigned seeded_round_length(seeded_choice& seeded) noexcept {
  return seeded.looks_at_fibers() ? 2 : 2 + static_cast<unsigned>(seeded.below(longest_seeded_round));
}

}  // namespace

void worker::attach(runtime_impl& owner) noexcept {
  // `rt` itself is set before the thread starts: threads that spread fibers read it.
  has_thieves = owner.workers.size() > 1;
  exceptions = reinterpret_cast<exception_words*>(abi::__cxa_get_globals());
  sanitizer_adopt_thread_stack(scheduler_sanitizer);
  current = nullptr;
  countdown = 1;
  starvation = 0;
  wake_skip = 0;
  vain_searches = 0;
  deadlines = 0;
  searching = false;
  displaces = false;
  polled = false;
  dispatched = 0;
  chaos_drawn = 0;
  timers.clear();  // the block may have served another runtime
  tick = owner.now();
  thread_id = this_thread_number();
  set_current_worker(this);
  raise_inexact_flag();
}

void worker::detach() noexcept {
  set_current_worker(nullptr);
  thread_id = 0;
  stacks.return_all();  // the block may lie in its pool for long, and other runtimes may need them
  if (descriptors != nullptr) descriptors->retire();
}

void worker::thread_main() noexcept {
  while (!rt->ended.load(memory_order_acquire)) {  // pairs with ~runtime_impl
    if (!round()) idle();
  }
  if (searching) end_search();
}

bool worker::round() noexcept {
  look_around();
  // The oldest unstarted fiber gets its turn each round, so that newest-first order starves nobody.
  fiber_record* first = nullptr;
  if (unstarted.size_hint() > 1 && rt->seeded == nullptr && unstarted.steal(first) == steal_result::success) {
    if (!bind(*first)) first = nullptr;
  } else {
    first = nullptr;
  }
  countdown = rt->seeded == nullptr ? dispatches_per_check : seeded_round_length(*rt->seeded);
  if (first == nullptr) first = pick();
  if (first == nullptr) {
    // Who lacks stacks finds work and cannot run it; others may have some, and publishers count on this search.
    if (searching && stackless != nullptr) end_search();
    return false;
  }
  if (searching) end_search();  // not before: what this worker runs is nothing to wake another one for
  run_from(*first);
  return true;
}

void worker::gather() noexcept {
  look_around();
  while (fiber_record* r = pop_unstarted()) {
    if (bind(*r)) ready.push(*r);
  }
}

void worker::look_around() noexcept {
  const time_point now = rt->now();
  begin_round(now);
  take_mail();
  take_injected(*this);
  take_placements(*this);
  expire_timers();
  // With nothing else to run, idle() will poll, and block, in one call; and what has just been told by that call is run
  // before the next is made.
  const bool told = std::exchange(polled, false);
  if (descriptors != nullptr && !told && anything_local() && descriptors->has_descriptors()) descriptors->poll(0);
  if (stackless != nullptr) [[unlikely]]
    retry_stackless();
  stacks.trim();
  // A step is as long as a round: a worker with fibers to run does one now and then.
  if (++rounds_since_tending == rounds_per_tending) {
    rounds_since_tending = 0;
    tend_depot();
  }
}

void worker::begin_round(time_point now) noexcept {
  const std::uint64_t cycles = read_cycles();
  if (const auto took = now - tick; took >= calibration_minimum && took < 1s && rt->clock == nullptr) {
    const auto ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count());
    constexpr auto round_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(round_length).count());
    cycles_per_round = std::clamp((cycles - round_began) * round_ns / ns, slowest_rate, fastest_rate);
  }
  tick = now;
  round_began = cycles;
}

bool worker::round_goes_on() noexcept {
  if (rt->seeded != nullptr || read_cycles() - round_began >= cycles_per_round) return false;
  countdown = dispatches_per_check;
  dispatched += dispatches_per_check;
  return true;
}

void worker::take_mail() noexcept {
  for (fiber_record* r = mail.take_all(); r != nullptr;) {
    fiber_record* const rest = r->next;
    ready.push(*r);
    r = rest;
  }
}

void worker::take_injected(worker& from) noexcept {
  for (fiber_record* r = from.injected.take_all(); r != nullptr;) {
    fiber_record* const rest = r->next;
    if (!unstarted.push_published(r)) {  // no memory for a larger deque: leave the rest where it was
      for (fiber_record* back = r; back != nullptr;) {
        fiber_record* const next_back = back->next;
        injected.push(back);
        back = next_back;
      }
      return;
    }
    r = rest;
  }
}

// Whatever a started fiber needs a place in, for all it will ever do: afterwards neither a wake-up nor a timed wait can
// fail. Timers first: the ready queue's capacity says what both have.
bool worker::make_room(std::size_t fibers) noexcept {
  if (timers.reserve(ready_queue::capacity_for(fibers) + deadlines) && ready.reserve(fibers)) return true;
  stack_error = std::make_error_code(std::errc::not_enough_memory);
  return false;
}

// They get their stacks at once: what was placed here starts here. In a shortage they wait among the stackless.
void worker::take_placements(worker& from) noexcept {
  for (fiber_record* r = from.placements.take_all(); r != nullptr;) {
    fiber_record* const rest = r->next;
    if (bind(*r)) ready.push(*r);
    r = rest;
  }
}

// When many are due, no more are woken than fibers ran in the round before: else the ready queue would grow by all of a
// hundred thousand, and a fiber that yields would wait for each of them. What is left is due again next round.
void worker::expire_timers() noexcept {
  const unsigned ran = std::exchange(dispatched, 0);
  timer_heap::entry e{};
  if (!timers.pop_due(tick, e)) return;
  unsigned most = std::max(ran, dispatches_per_check);
  if (rt->seeded != nullptr) most = 1 + static_cast<unsigned>(rt->seeded->below(longest_seeded_round));
  unsigned woken = 0;
  do {
    if (!park_word<>::try_claim(e.who->word, e.generation, wake::timed_out)) continue;
    fiber_record& r = record_of(*e.who);
    if (r.block != nullptr) [[likely]] {
      ready.push(r);
    } else {
      fire_deadline(r, *this);
    }
    if (++woken == most) break;
  } while (timers.pop_due(tick, e));
  timers.tidy();
}

bool worker::anything_local() noexcept { return !ready.empty() || unstarted.size_hint() != 0; }

// What the idle protocol calls the sources, and the end of the runtime.
bool worker::anything_anywhere() const noexcept {
  if (rt->ended.load(memory_order_seq_cst)) return true;  // pairs with the store in ~runtime_impl, before its pokes
  for (const worker* w : rt->workers) {
    if (!w->unstarted.empty() || !w->injected.empty()) return true;
  }
  return false;
}

// Takes unstarted fibers of others, the oldest first. \return whether it took any. \pre it is not the only worker
bool worker::search() noexcept {
  const std::size_t n = rt->workers.size();
  const std::size_t first = rt->seeded == nullptr ? 0 : rt->seeded->below(n - 1);
  for (std::size_t i = 0; i < n - 1; ++i) {
    worker& victim = *rt->workers[(index_in_runtime + 1 + (first + i) % (n - 1)) % n];
    chaos_delay();
    for (steal_result result = steal_result::lost_race; result == steal_result::lost_race;) {
      fiber_record* r = nullptr;
      result = victim.unstarted.steal(r);
      if (result == steal_result::success) {
        if (!unstarted.push_published(r)) injected.push(r);
        return true;
      }
    }
    if (!victim.injected.empty()) {
      take_injected(victim);
      if (anything_local()) return true;
    }
    if (displaces && !victim.placements.empty()) {
      take_placements(victim);
      if (anything_local()) return true;
    }
  }
  return false;
}

void worker::end_search() noexcept {
  searching = false;
  if (rt->idle.end_search() && anything_anywhere()) rt->wake_one(index_in_runtime + 1);
}

void worker::wake_searcher() noexcept {
  // A lone fresh fiber is most likely joined, and so run, by its spawner in a moment; waking another CPU for it costs
  // more than it takes. Should the spawner go on computing, a sleeper that looks again finds the fiber (see block()); when
  // there is none, because all slept when the last one went to sleep, somebody is woken and becomes one.
  if ((wake_skip != 0 || unstarted.size_hint() == 1) && rt->has_watcher()) {
    if (wake_skip != 0) --wake_skip;
    return;
  }
  rt->wake_one(index_in_runtime + 1);
  wake_skip = rt->search_backoff.load(memory_order_relaxed);  // relaxed: a heuristic
}

// Sleeps until woken, until a timer is due, or, beside workers that are awake, until it is worth looking again: they may
// have work that they did not wake anybody for; or until the depot is due. An idle runtime has no such wake-ups, but the few
// after a burst that let its stacks settle.
void worker::block(sleep_kind kind) noexcept {
  chaos_delay();
  time_point until = std::min(timers.next_deadline(), depot_due());
  const bool others_awake = has_thieves && rt->idle.sleepers_hint() < static_cast<int>(rt->workers.size());
  bool again_first = false;
  if (others_awake || stackless != nullptr) {
    const unsigned shift = vain_searches < longest_research_shift ? vain_searches : longest_research_shift;
    const time_point again = rt->now() + first_research * (1U << shift);
    again_first = again < until;
    if (again_first) until = again;
  }
  if (others_awake)
    rt->watchers.fetch_add(1, memory_order_relaxed);  // relaxed: who misses it wakes somebody for nothing
  if (kind == sleep_kind::futex) {
    futex_wait(mail.futex_address(), decltype(mail)::futex_value, until);
  } else {
    std::int64_t timeout_ns = -1;
    if (until != no_deadline) {
      timeout_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until - rt->now()).count();
      if (timeout_ns < 0) timeout_ns = 0;
    }
    descriptors->poll(timeout_ns);
    polled = true;
  }
  if (others_awake) rt->watchers.fetch_sub(1, memory_order_seq_cst);  // before the look; pairs with has_watcher()
  displaces = again_first && vain_searches >= longest_research_shift && rt->now() >= until;
}

void worker::end_sleep(sleep_kind kind) noexcept {
  if (kind == sleep_kind::futex) {
    futex_wake(mail.futex_address(), 1);
  } else {
    descriptors->wake();
  }
}

bool worker::polls() const noexcept { return descriptors != nullptr && descriptors->has_descriptors(); }

bool worker::anything_sent() const noexcept { return !mail.empty_hint() || !injected.empty() || !placements.empty(); }

// Pauses until something is sent here. \return whether it was, before that many pauses
bool worker::watch(unsigned pauses) const noexcept {
  for (unsigned p = 0; p < pauses; ++p) {
    if (anything_sent()) return true;
    spin_pause();
  }
  return false;
}

// Without work: search, sleep, and search again, until there is something to run. Whoever comes out of here as a searcher
// is one until round() has taken what there is.
void worker::idle() noexcept {
  displaces = false;
  // Spinning is for what other workers do; a lone worker, or one with descriptors, waits for the system. What they answer
  // comes within a microsecond or so: before that nobody need know that this one is idle, and the word that tells stays
  // in its place.
  if (!searching) {
    if (has_thieves && !polls() && watch(pauses_before_search)) return;
    rt->idle.begin_search();
    searching = true;
  }
  for (;;) {
    const unsigned spins = has_thieves && !polls() ? search_spins : 1;
    for (unsigned spin = 0; spin < spins; ++spin) {
      bool found = anything_sent() || anything_local();
      if (!found && has_thieves && search()) {
        found = true;
        vain_searches = 0;
        rt->search_backoff.store(0, memory_order_relaxed);  // relaxed: a heuristic
      }
      if (found) return;
      if (spin + 1 == spins) break;  // no look comes after it: to wait would only put off the sleep
      static_cast<void>(watch(pauses_per_spin));
    }
    if (rt->ended.load(memory_order_acquire)) return;  // pairs with ~runtime_impl
    if (stacks.trim() || tend_depot()) {               // step by step, and a look at everything between two
      if (polls()) {
        descriptors->poll(0);
        polled = true;
      }
      return;
    }
    ++vain_searches;
    const unsigned backoff = rt->search_backoff.load(memory_order_relaxed);  // relaxed: a heuristic
    if (backoff < longest_backoff)
      rt->search_backoff.store(backoff * 2 + 1, memory_order_relaxed);  // relaxed: a heuristic
    const sleep_kind kind = polls() ? sleep_kind::poller : sleep_kind::futex;
    chaos_delay();
    rt->idle.sleep(
        mail, kind, true,
        [this] {
          if (rt->draining.load(memory_order_seq_cst)) rt->note_idle();  // pairs with drain()
          return !placements.empty() || anything_anywhere();
        },
        [this, kind] { block(kind); });
    if (anything_local() || timers.next_deadline() <= rt->now() || stackless != nullptr) return;
  }
}

}  // namespace weft::inline v0::detail
