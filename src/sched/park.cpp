// Parking of fibers and plain threads on one claim word; delivery to the owner's home.
#include "sched/park.hpp"

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>  // sleep_until is exported
#include <weft/sched/time.hpp>

#include "base/check.hpp"
#include "fiber/thread_parker.hpp"
#include "sched/chaos.hpp"
#include "sched/driver.hpp"
#include "sched/hot_path.hpp"
#include "sched/park_word.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {

// Words of 64 bits hold packed waiters and generations, also where pointers have 32: no lock may hide behind them.
static_assert(atomic<std::uint64_t>::is_always_lock_free);

namespace {

using word = park_word<>;

bool is_thread(const parker& p) noexcept {
  return (p.word.load(memory_order_relaxed) & parker::thread) != 0;  // relaxed: the bit is constant
}

// A stopped fiber that has thrown so often is in a loop that will not end, and keeps its worker from others meanwhile.
constexpr unsigned cancellations_until_report = 1000;

// Only what the fiber's own stop has thrown: frames with deadlines fire as often as they like, and catch what they threw.
void count_cancellation(worker& w) noexcept {
  fiber_record& r = *w.current;
  if (!word::pending(r.park.word, fiber_stops_seen(w), point::no)) return;
  if (++r.block->cancellations == cancellations_until_report) report_swallowed(cancellations_until_report);
}

thread_parker& thread_of(parker& p) noexcept { return reinterpret_cast<thread_parker&>(p); }

void suspend_thread(thread_parker& p, time_point deadline, std::uint32_t generation) noexcept {
  if (driver* d = current_driver(); d != nullptr) {  // a test's thread runs the fibers itself
    d->drive_until(p.delivered, deadline);
    deadline = time_point{};  // by its clock the deadline has passed, or the delivery is there: no sleep in real time
  }
  if (!sleep_until_delivered(p, deadline) && !word::try_claim(p.park.word, generation, wake::timed_out)) {
    sleep_until_delivered(p, no_deadline);  // somebody won at the last moment: the delivery is under way
  }
}

void deliver_to(parker& p, worker* here) noexcept {
  chaos_delay();
  if (is_thread(p)) {
    deliver_to_thread(thread_of(p));
    return;
  }
  fiber_record& r = record_of(p);
  if (here != nullptr && here->number == r.home) {
    here->ready.push(r);
    return;
  }
  worker& home = worker_at(r.home);
  runtime_impl& rt = *home.rt;  // read before the push: it lives at least until the fiber runs
  if (const sleep_kind kind = home.mail.push(&r); kind != sleep_kind::none) {
    rt.idle.count_woken();  // the runtime's destructor waits until its counts are even again
    home.end_sleep(kind);
  }
}

}  // namespace

waiter::waiter(point p, const char* what) : armed_wait(p, current_worker(), what) {}

wake armed_wait::park_thread(time_point deadline) noexcept {
  suspend_thread(thread_of(*self_), deadline, generation_);
  return word::outcome(self_->word);
}

bool armed_wait::claim(wake why) noexcept {
  chaos_delay();
  return word::try_claim(self_->word, generation_, why);
}

wake armed_wait::abandon() noexcept {
  const wake why = word::disarm(self_->word);
  if (why == wake::none) return why;
  if (home_ == nullptr) {
    sleep_until_delivered(thread_of(*self_), no_deadline);
  } else {
    suspend_fiber(*home_, "the delivery of a wake-up");
  }
  return why;
}

bool armed_wait::arm_again(point p) noexcept {
  home_ = current_worker();
  if (home_ == nullptr) thread_of(*self_).delivered.store(0, memory_order_relaxed);  // relaxed: arming publishes it
  return arm(p);
}

wake armed_wait::park(time_point deadline, const char* what) noexcept { return park_inline(deadline, what); }

wake armed_wait::park_timed(time_point deadline, const char* what) noexcept {
  worker& w = *home_;
  if (deadline <= w.rt->now()) {
    if (claim(wake::timed_out)) return wake::timed_out;
    suspend_fiber(w, what);  // somebody else has won: the delivery is under way
    return word::outcome(self_->word);
  }
  w.timers.add(deadline, *self_, generation_);
  suspend_fiber(w, what);
  chaos_yield();
  const wake why = word::outcome(self_->word);
  if (why != wake::timed_out) w.timers.note_abandoned();
  return why;
}

parker& arm_thread() {
  thread_parker& mine = this_thread_parker();
  mine.delivered.store(0, memory_order_relaxed);  // relaxed: arming publishes it
  return mine.park;
}

void deliver(armed_wait& w) noexcept { deliver_to(*w.self_, current_worker()); }

bool claim_and_deliver(std::uint64_t packed, wake why) noexcept {
  return claim_and_deliver(packed, why, current_worker());
}

bool claim_and_deliver(std::uint64_t packed, wake why, worker* here) noexcept {
  constexpr std::uint32_t kept_generation = 0xffff;
  auto& p = *reinterpret_cast<parker*>(static_cast<std::uintptr_t>(packed >> 16));
  if (!word::try_claim(p.word, static_cast<std::uint32_t>(packed & kept_generation), why, kept_generation))
    return false;
  deliver_to(p, here);
  return true;
}

void deliver_claimed(parker& p) noexcept { deliver_to(p, current_worker()); }

void note_cancellation_point(const char* what) noexcept {
  if (worker* w = current_worker(); w != nullptr && w->current != nullptr) w->current->block->stopped_in = what;
}

void throw_cancelled(const char* what) {
  worker* w = current_worker();
  if (w != nullptr && w->current != nullptr) {
    w->current->block->stopped_in = what;
    count_cancellation(*w);
  }
  throw cancelled{};
}

void spend_budget() {
  chaos_yield();
  worker* w = current_worker();
  if (w == nullptr || w->current == nullptr || --w->budget != 0) return;
  w->budget = worker::budget_per_dispatch;
  if ((w->current->ctx.owner_bits & flag_no_suspend) != 0) return;
  w->countdown = 1;  // long dispatches: look at the time now
  w->yield_running();
}

time_point now() noexcept {
  if (worker* w = current_worker(); w != nullptr) return w->rt->now();
  if (driver* d = current_driver(); d != nullptr) return d->now();
  return std::chrono::steady_clock::now();
}

std::chrono::steady_clock::time_point clock_now() noexcept { return now(); }

void sleep_until(std::chrono::steady_clock::time_point deadline) {
  constexpr const char* what = "sleep";
  waiter w(point::yes, what);
  if (w.park(deadline, what) == wake::stopped) throw_cancelled(what);
}

}  // namespace weft::inline v0::detail
