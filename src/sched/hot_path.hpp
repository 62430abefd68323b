// The hot path between "this fiber waits" and the switch, inline: every call between an operation and its switch is a
// prologue, an epilogue and a return that the CPU has to predict.
#pragma once
#include "base/check.hpp"
#include "fiber/block.hpp"
#include "sched/chaos.hpp"
#include "sched/park.hpp"
#include "sched/park_word.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {

// Started fibers come first, so that work in progress ends before new work begins; but after this many in a row an
// unstarted one gets its turn. Picked, not measured: a yield loop must not keep a spawned fiber from starting.
inline constexpr unsigned started_in_a_row = 16;

// The fiber to run next; an unstarted one has no stack yet. Null: time to look around, or nothing here.
[[gnu::always_inline]] inline fiber_record* worker::pick_unbound() noexcept {
  if (--countdown == 0) [[unlikely]] {
    if (!round_goes_on()) return nullptr;  // leaves countdown at 0
  }
  if (rt->seeded != nullptr) [[unlikely]] {
    return pick_by_seed();
  }
  if (++starvation < started_in_a_row) [[likely]] {
    if (fiber_record* r = ready.pop(); r != nullptr) return r;
    starvation = 0;
    return pop_unstarted();
  }
  starvation = 0;
  if (fiber_record* r = pop_unstarted(); r != nullptr) return r;
  return ready.pop();
}

[[gnu::always_inline]] inline fiber_record* worker::pick() noexcept {
  for (;;) {
    fiber_record* r = pick_unbound();
    if (r == nullptr || r->block != nullptr || bind(*r)) return r;
  }
}

// Switches to the next fiber; returns when the running one, which has armed a wait, is resumed.
[[gnu::always_inline]] inline void suspend_fiber(worker& w, const char* what) noexcept {
  fiber_record& self = *w.current;
  fiber_block& block = *self.block;
  if ((self.ctx.owner_bits & flags_before_leave) != 0) [[unlikely]]
    w.before_leave(self, what);
  block.wait_text = what;
  block.wait_since = w.tick;
  fiber_record* next = w.pick();
  if (next != &self) {
    w.leave(self, next);
  } else if (debug_checks()) [[unlikely]] {  // it was made ready while it armed
    w.check_goes_on(self, what);
  }
  block.wait_text = nullptr;
}

// Stops of the fiber are not delivered in shields and while unwinding, here or in the resumer of a coroutine: destructors
// may wait. Stops of a frame that was opened there are.
inline point fiber_stops_seen(const fiber_block& b, unsigned uncaught) noexcept {
  return b.shields == 0 && b.uncaught_below == 0 && uncaught == 0 ? point::yes : point::no;
}
inline point fiber_stops_seen(const worker& w) noexcept {
  return fiber_stops_seen(*w.current->block, w.exceptions->uncaught);
}
inline bool unwinds_inside_its_frame(const fiber_block& b, unsigned uncaught) noexcept {
  return static_cast<std::uint16_t>(uncaught) != b.inner_uncaught;
}
inline bool unwinds_inside_its_frame(const worker& w) noexcept {
  return unwinds_inside_its_frame(*w.current->block, w.exceptions->uncaught);
}
inline point frame_stops_seen(const fiber_block& b, unsigned uncaught) noexcept {
  return unwinds_inside_its_frame(b, uncaught) ? point::no : point::yes;
}
inline point frame_stops_seen(const worker& w) noexcept {
  return frame_stops_seen(*w.current->block, w.exceptions->uncaught);
}

parker& arm_thread();  // of the calling plain thread; throws std::bad_alloc

// False: nothing is armed, a stop is pending that this wait has to see.
[[gnu::always_inline]] inline bool armed_wait::arm(point p) noexcept {
  point inner = p;
  if (p == point::yes && home_ != nullptr) {
    p = fiber_stops_seen(*home_);
    inner = frame_stops_seen(*home_);
  }
  const arm_result armed = park_word<>::arm(self_->word, p, inner);
  generation_ = armed.generation;
  return !armed.stop_pending;
}

[[gnu::always_inline]] inline armed_wait::armed_wait(point p, worker* here, const char* what) : home_(here) {
  if (here != nullptr) [[likely]] {
    WEFT_CHECK(here->current != nullptr, "a wait on the scheduler's own stack");
    self_ = &here->current->park;
  } else {
    self_ = &arm_thread();
  }
  if (!arm(p)) [[unlikely]]
    throw_cancelled(what);
}

[[gnu::always_inline]] inline waiter::waiter(point p, worker* here, const char* what) : armed_wait(p, here, what) {}

// armed_wait::park() for callers that cannot afford its call.
[[gnu::always_inline]] inline wake armed_wait::park_inline(time_point deadline, const char* what) noexcept {
  if (home_ == nullptr) [[unlikely]]
    return park_thread(deadline);
  if (deadline != no_deadline) return park_timed(deadline, what);
  suspend_fiber(*home_, what);
  chaos_yield();
  return park_word<>::outcome(self_->word);
}

[[gnu::always_inline]] inline bool armed_wait::claim_inline(wake why) noexcept {
  return park_word<>::try_claim(self_->word, generation_, why);
}

[[gnu::always_inline]] inline void deliver_inline(armed_wait& w, worker* here) noexcept {
  if (here != nullptr && here == w.home_) [[likely]] {
    here->ready.push(record_of(*w.self_));
  } else {
    deliver(w);
  }
}

[[gnu::cold]] void throw_if_stopped(const worker& here);  // unless it is masked; the fiber's cancellation point

// this_fiber::check_stop() for a caller that knows its worker: where no stop was requested, what would mask one is not read.
[[gnu::always_inline]] inline void check_stop_inline(const worker* here) {
  if (here == nullptr || here->current == nullptr) return;
  if (park_word<>::pending(here->current->park.word, point::yes, point::yes)) [[unlikely]]
    throw_if_stopped(*here);
}

[[gnu::always_inline]] inline void spend_budget_inline(worker* here) {
  if (here != nullptr && here->budget > 1) [[likely]] {
    --here->budget;
  } else {
    spend_budget();
  }
}

}  // namespace weft::inline v0::detail
