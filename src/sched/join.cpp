// Joining, detaching, stopping: the other end of a fiber's life.
#include <exception>     // rethrow_exception, terminate
#include <system_error>  // system_error

#include <weft/sched/spawn_seam.hpp>

#include "fiber/failure.hpp"
#include "fiber/join_word.hpp"
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/park.hpp"
#include "sched/park_word.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {
constexpr const char* what_join_waits_for = "join";
constexpr unsigned dispatches_of_call = 2;  // of the child and, again, of the joiner
}  // namespace

void throw_not_joinable() {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          "weft::fiber: not joinable (never started, moved from, already joined or detached)");
}

bool is_finished(const fiber_record& r) noexcept {
  return r.join.load(memory_order_acquire) == join_finished;  // pairs with publish_end(): the result is there
}

// ---- a join that is a call: docs/design/sched.md

// The fiber that a join may enter is the one that pick() would choose anyway, and the joiner sees no stop: so the order of
// things is that of a wait, without its four locked instructions.
[[gnu::always_inline]] inline bool worker::run_called(fiber_record& child) noexcept {
  if (!unstarted.is_newest(&child) || !ready.empty()) return false;
  if (countdown <= dispatches_of_call && !round_goes_on()) [[unlikely]]
    return false;
  fiber_record* const self = current;
  if (self == nullptr || (self->ctx.owner_bits & flag_no_suspend) != 0 || rt->seeded != nullptr) [[unlikely]]
    return false;
  // relaxed: only whether to take the long way, which looks again
  if ((self->park.word.load(memory_order_relaxed) & (parker::stop | parker::inner_stop)) != 0) [[unlikely]]
    return false;
  if (pop_unstarted() == nullptr || !bind(child)) [[unlikely]]  // a thief was faster; there is no stack
    return false;
  countdown -= dispatches_of_call;
  starvation = 0;
  fiber_block& block = *self->block;
  block.wait_text = what_join_waits_for;
  block.wait_since = tick;
  enter_called(*self, child);
  block.wait_text = nullptr;
  chaos_yield();
  return true;
}

// The last touch of a fiber that a join has entered, and that never suspended.
fiber_record* worker::end_called(fiber_record& r) noexcept {
  fiber_record& joiner = *r.block->joiner;
  r.join.store(join_finished, memory_order_release);  // pairs with is_finished()
  bump(finished);
  if (ready.empty()) [[likely]]
    return &joiner;
  // Others come first, as they would have.
  if ((joiner.ctx.owner_bits & flag_called) != 0) end_calls(joiner);
  ready.push(joiner);
  return nullptr;
}

void worker::before_leave(fiber_record& self, const char* what) noexcept {
  WEFT_CHECK((self.ctx.owner_bits & flag_no_suspend) == 0, "suspension %s: waiting for %s", self.block->no_suspend_why,
             what);
  end_calls(self);
}

void worker::end_calls(fiber_record& innermost) noexcept {
  fiber_record* child = &innermost;
  while ((child->ctx.owner_bits & flag_called) != 0) {
    child->ctx.owner_bits &= static_cast<std::uint16_t>(~flag_called);
    fiber_record& joiner = *child->block->joiner;
    const fiber_block& b = *joiner.block;
    const unsigned uncaught = (joiner.ctx.owner_bits & flag_saved_eh) != 0 ? b.exceptions.uncaught : 0;
    const arm_result armed =
        park_word<>::arm(joiner.park.word, fiber_stops_seen(b, uncaught), frame_stops_seen(b, uncaught));
    if (armed.stop_pending) {
      ready.push(joiner);
    } else {
      child->join.store(packed_waiter(joiner.park, armed.generation), memory_order_relaxed);  // relaxed: both live here
    }
    child = &joiner;
  }
}

namespace {

// The word holds a packed waiter only while this function runs, and the parker behind it is never freed: a fiber that
// ends at the moment the joiner gives up claims a generation that is over, and loses.
[[gnu::noinline]] bool join_wait_parked(fiber_record& r, worker* here, time_point deadline, bool shielded) {
  if (here != nullptr && here->current == &r) [[unlikely]] {
    throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                            "weft::fiber: a fiber cannot join itself");
  }
  constexpr const char* what = what_join_waits_for;
  armed_wait self(shielded ? point::no : point::yes, here, what);
  std::uint64_t mine = self.packed();
  std::uint64_t seen = join_running;
  // Both orders: pairs with publish_end().
  if (!r.join.compare_exchange_strong(seen, mine, memory_order_acq_rel, memory_order_acquire)) {
    self.abandon();
    return true;
  }
  const auto take_back = [&] {  // false: the fiber ended meanwhile
    // pairs with publish_end(), both ways
    return r.join.compare_exchange_strong(mine, join_running, memory_order_acq_rel, memory_order_acquire);
  };
  const wake why = self.park_inline(deadline, what);
  if (why == wake::notified || !take_back()) return true;
  if (why == wake::stopped) throw_cancelled(what);
  return false;
}

// The call became a wait, which a stop ended.
[[gnu::cold, gnu::noinline, noreturn]] void leave_call(fiber_record& r) {
  r.join.store(join_running, memory_order_relaxed);  // relaxed: the fiber, which did not end first, lives here, too
  throw_cancelled(what_join_waits_for);
}

}  // namespace

bool join_wait(fiber_record& r, std::chrono::steady_clock::time_point deadline, bool shielded) {
  if (is_finished(r)) return true;
  worker* const here = current_worker();
  if (here == nullptr || deadline != no_deadline || shielded || !here->run_called(r)) {
    return join_wait_parked(r, here, deadline, shielded);
  }
  if (!is_finished(r)) [[unlikely]]
    leave_call(r);
  return true;
}

namespace {
// Nobody takes the outcome: a failure is reported, a result destroyed.
void discard(fiber_record& r, const char* how, bool fatal_failure) noexcept {
  if (r.outcome == fiber_outcome::exception) {
    const failure f = take_failure(r);
    if ((r.options & option_scoped) == 0 && !is_cancellation(f.exception)) {  // a scope has its own copy
      report_failure(f, how);
      if (fatal_failure) std::terminate();
    }
  } else if (r.outcome == fiber_outcome::value) {
    r.ops->destroy_result(r);
  }
  free_record(r);
}
}  // namespace

// It counts as ended before its joiner goes on, who may destroy the runtime; and a detached one only after the destructor
// of its result, which is the user's and may wait.
void publish_end(fiber_record& r, worker& here) noexcept {
  // Release: the result, for the joiner; acquire: pairs with the joiner's exchange, whose waiter is claimed next.
  const std::uint64_t waiting = r.join.exchange(join_finished, memory_order_acq_rel);
  if (waiting == join_detached) {
    discard(r, "is detached and ended with an exception", true);
    bump(here.finished);
    return;
  }
  bump(here.finished);
  // Without a waiter the handle's owner may have released the record by now.
  if (waiting != join_running) claim_and_deliver(waiting, wake::notified, &here);
}

void rethrow_failure(fiber_record& r) {
  const failure f = take_failure(r);
  free_record(r);
  note_cancellation_point("join of a fiber that was stopped");
  std::rethrow_exception(f.exception);
}

void stop_and_join(fiber_record& r) noexcept {
  if ((r.options & option_scoped) != 0) {  // its scope waits for it
    detach_record(r);
    return;
  }
  request_stop(r);
  join_wait(r, no_deadline, true);
  discard(r, "ended with an exception that nobody joined", false);
}

void detach_record(fiber_record& r) noexcept {
  std::uint64_t seen = join_running;
  // Release: what the owner wrote before; acquire: the result. Both pair with publish_end().
  if (r.join.compare_exchange_strong(seen, join_detached, memory_order_acq_rel, memory_order_acquire)) return;
  discard(r, "was detached after it had ended with an exception", true);
}

}  // namespace weft::inline v0::detail
