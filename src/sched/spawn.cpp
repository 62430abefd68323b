// Spawning: a record, its closure, and a place where a worker will find it.
#include <mutex>         // lock_guard
#include <new>           // bad_alloc
#include <system_error>  // system_error

#include <weft/sched/spawn_seam.hpp>

#include "fiber/join_word.hpp"
#include "sched/chaos.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/stop_hub.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

// A record fresh from its pool. Its stop bit may be left over (a stopping runtime sets it on free records too), and a
// stopping runtime must find its new fibers stopped: the flag is set before the bits, so one of the two sees the other.
[[gnu::always_inline]] inline void prepare(fiber_record& r, void* site, runtime_impl& rt) noexcept {
  r.options = 0;
  r.outcome = fiber_outcome::none;
  r.spawn_site = site;
  r.join.store(join_running, memory_order_relaxed);  // relaxed: published with the record by the queue it goes to
  const bool stopped = (r.park.word.load(memory_order_relaxed) & parker::stop) != 0;  // relaxed: see above
  // A plain load on most machines. Pairs with stop_everything(), which sets the flag before it looks for records: this look
  // comes after the record's chunk was made known in refill(), so one of the two sees the other.
  if (stopped || rt.stopping.load(memory_order_seq_cst)) [[unlikely]] {
    if (stopped) {
      r.park.word.fetch_and(~parker::stop, memory_order_acq_rel);  // pairs with the or in stop_everything()
    }
    if (rt.stopping.load(memory_order_acquire)) {                // pairs with stop_everything()
      r.park.word.fetch_or(parker::stop, memory_order_acq_rel);  // pairs with arming: the fiber sees it
    }
  }
}

// The worker with the fewest live fibers, by a walk over all: spawning with `spread` is for connections, not for leaves.
worker& emptiest(const runtime_impl& rt) noexcept {
  worker* best = rt.workers.front();
  std::uint64_t least = UINT64_MAX;
  for (worker* w : rt.workers) {
    const std::uint64_t load = w->placed.load(memory_order_relaxed) +         // relaxed: a heuristic
                               w->running_stacks.load(memory_order_relaxed);  // relaxed: a heuristic
    if (load < least) {
      least = load;
      best = w;
    }
  }
  return *best;
}

// \return whether the target slept, and so has been woken for it
bool inject(worker& target, injector<fiber_record>& into, fiber_record& r) noexcept {
  chaos_delay();
  into.push(&r);
  const sleep_kind kind = target.mail.poke();
  if (kind == sleep_kind::none) return false;
  target.rt->idle.count_woken();
  target.end_sleep(kind);
  return true;
}

// Counts the fiber for `target` until it starts, so that a burst of them does not all see the same emptiest worker.
void place(worker& target, fiber_record& r) noexcept {
  r.options |= option_placed;
  r.home = target.number;
  target.placed.fetch_add(1, memory_order_relaxed);  // relaxed: a heuristic
  // A target that is awake takes it soon. Should it not, a sleeper that looks again from time to time does: there has to
  // be one.
  runtime_impl& rt = *target.rt;
  if (!inject(target, target.placements, r) && !rt.has_watcher() && rt.idle.should_wake()) {
    rt.wake_one(target.index_in_runtime + 1);
  }
}

bool wants_spread(const fiber_record& r) noexcept {
  return (r.options & option_boxed) != 0 && (*std::launder(reinterpret_cast<fiber_spec* const*>(r.storage)))->spread;
}

}  // namespace

fiber_record& begin_spawn(void* site) {
  worker* w = current_worker();
  if (w == nullptr) [[unlikely]] {
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                            "weft::spawn called outside a fiber; use runtime::spawn or weft::run");
  }
  fiber_record* r = w->records.take();
  if (r == nullptr) [[unlikely]]
    throw std::bad_alloc();
  prepare(*r, site, *w->rt);
  return *r;
}

fiber_record& begin_spawn_on(runtime_impl& rt, void* site) {
  rt.check_alive("spawn");  // before the lock, which a thread of the parent may have held
  const std::lock_guard guard(rt.external_lock);
  fiber_record* r = rt.external_records->take();
  if (r == nullptr) throw std::bad_alloc();
  prepare(*r, site, rt);
  return *r;
}

void abort_spawn(fiber_record& r) noexcept { free_unstarted(r); }

void commit_spawn(fiber_record& r) noexcept {
  worker& w = *current_worker();
  bump(w.spawned);
  if (r.options != 0 && wants_spread(r)) [[unlikely]] {
    place(emptiest(*w.rt), r);
    return;
  }
  if (!w.has_thieves) {
    if (!w.unstarted.push(&r)) [[unlikely]]
      w.injected.push(&r);  // no memory for a larger deque: the list needs none
    return;
  }
  chaos_delay();
  if (!w.unstarted.push_published(&r)) [[unlikely]]
    w.injected.push(&r);
  if (w.rt->idle.should_wake()) w.wake_searcher();
}

void commit_spawn_on(runtime_impl& rt, fiber_record& r) noexcept {
  rt.external_spawned.fetch_add(1, memory_order_relaxed);  // relaxed: quiescent() is exact only without outside spawns
  if (wants_spread(r)) {
    place(emptiest(rt), r);
  } else {
    const std::size_t n = rt.next_target.fetch_add(1, memory_order_relaxed) % rt.workers.size();  // relaxed: a counter
    // The target may be busy for long, with others asleep.
    if (!inject(*rt.workers[n], rt.workers[n]->injected, r) && rt.idle.should_wake()) {
      rt.wake_one(static_cast<unsigned>(n) + 1);
    }
  }
}

// ---- the end of a record

[[gnu::always_inline]] static inline void give_back(fiber_record& r) noexcept {
  // relaxed: nobody makes one any more
  if (stop_hub* hub = r.hub.load(memory_order_relaxed); hub != nullptr) [[unlikely]] {
    leave_hub(*hub);
  }
  ++r.generation;
  record_pool& pool = record_pool::of(r);
  if (worker* w = current_worker(); w != nullptr && &pool == &w->records) {
    pool.put(r);
  } else {
    pool.put_remote(r);
  }
}

void free_record(fiber_record& r) noexcept {
  r.block = nullptr;  // reports tell ended fibers from live ones by it; the next spawn relies on it
  give_back(r);
}

void free_unstarted(fiber_record& r) noexcept {
  r.join.store(join_finished, memory_order_relaxed);  // relaxed: only for who looks at all records
  give_back(r);
}

void release_record(fiber_record& r) noexcept { free_record(r); }

}  // namespace weft::inline v0::detail
