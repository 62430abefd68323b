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

void throw_not_joinable() {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          "weft::fiber: not joinable (never started, moved from, already joined or detached)");
}

bool is_finished(const fiber_record& r) noexcept {
  return r.join.load(memory_order_acquire) == join_finished;  // pairs with publish_end(): the result is there
}

// The word holds a packed waiter only while this function runs, and the parker behind it is never freed: a fiber that
// ends at the moment the joiner gives up claims a generation that is over, and loses.
bool join_wait(fiber_record& r, std::chrono::steady_clock::time_point deadline, bool shielded) {
  if (is_finished(r)) return true;
  worker* const here = current_worker();
  if (here != nullptr && here->current == &r) [[unlikely]] {
    throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                            "weft::fiber: a fiber cannot join itself");
  }
  constexpr const char* what = "join";
  armed_wait self(shielded ? point::no : point::yes, here, what);
  std::uintptr_t mine = self.packed();
  std::uintptr_t seen = join_running;
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
  const std::uintptr_t waiting = r.join.exchange(join_finished, memory_order_acq_rel);
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
  std::uintptr_t seen = join_running;
  // Release: what the owner wrote before; acquire: the result. Both pair with publish_end().
  if (r.join.compare_exchange_strong(seen, join_detached, memory_order_acq_rel, memory_order_acquire)) return;
  discard(r, "was detached after it had ended with an exception", true);
}

}  // namespace weft::inline v0::detail
