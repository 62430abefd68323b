// The shared state of a future: an event that is set once, by whoever claims it.
//
// | bits | name         | meaning                                             | who changes it                               |
// |------|--------------|-----------------------------------------------------|----------------------------------------------|
// | 0    | queue_locked | somebody works on the list                          | compare-exchange sets, its owner clears      |
// | 1    | ready        | the outcome is there, for ever                      | who has claimed it, in its last store        |
// | 2    | claimed      | somebody stores the outcome, or has                 | compare-exchange; given up if a copy throws  |
// | 3-63 | head         | first waiter; zero once ready is set                | owner of queue_locked                        |
//
//   setter                                              waiter
//   1. claimed: others are told "already satisfied"     a. ready: return
//   2. stores the outcome                               b. take queue_locked, link, release it
//   3. take queue_locked, claim all waiters             c. park
//   4. store ready, no waiters: last touch              d. not notified: take queue_locked, unlink if linked, release
//   5. deliver them
// The bits other than queue_locked change only while it is clear, or by its owner. Whoever sees ready may drop the last
// reference at once, and the promise may go too: nothing of either is touched after 4.
#include <weft/sync/shared_result.hpp>

#include <weft/sched/this_fiber.hpp>  // cancel_shield, check_stop

#include "sync/wait_queue.hpp"

namespace weft::inline v0::detail {

static constexpr const char* what = "future";

void throw_future_error(std::future_errc code) { throw std::future_error(code); }

void shared_result::note_retrieved() {
  if (retrieved_.exchange(true, memory_order_relaxed))  // relaxed: nothing hangs on it
    throw_future_error(std::future_errc::future_already_retrieved);
}

bool shared_result::is_ready() const noexcept {
  return (word_.load(memory_order_acquire) & ready) != 0;  // pairs with publish()
}

bool shared_result::try_claim() noexcept {
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & claimed) != 0) return false;
    if ((seen & queue_locked) != 0) {
      contention.pause();
      // Acquire: the place of the outcome, of a setter that gave up; pairs with give_up_claim(). Failure relaxed: tried again.
    } else if (word_.compare_exchange_weak(seen, seen | claimed, memory_order_acquire, memory_order_relaxed)) {
      return true;
    }
  }
}

void shared_result::claim() {
  if (!try_claim()) throw_future_error(std::future_errc::promise_already_satisfied);
}

void shared_result::give_up_claim() noexcept {
  const std::uintptr_t seen = lock_queue(word_);
  unlock_queue(word_, seen & ~claimed);
}

void shared_result::publish() noexcept {
  std::uintptr_t seen = claimed;
  // Nobody waits. Release: the outcome; pairs with is_ready(). Failure relaxed: looked at again under the lock.
  if (word_.compare_exchange_strong(seen, ready | claimed, memory_order_release, memory_order_relaxed)) return;
  waiter_list waiting(lock_queue(word_));
  claimed_waiters woken;
  woken.claim_all(waiting);
  unlock_queue(word_, ready | claimed);  // the last touch
  woken.deliver_all();
}

void shared_result::abandon() noexcept {
  if (!try_claim()) return;
  outcome_ = outcome::broken;
  publish();
}

void shared_result::throw_failure() const {
  if (outcome_ == outcome::exception) {
    note_cancellation_point("future of a task that was stopped");
    std::rethrow_exception(failure_);
  }
  throw_future_error(std::future_errc::broken_promise);
}

// Whoever waits first lends its fiber, but the outcome belongs to all: a stop of the lender must not become the outcome.
void shared_result::run_deferred() {
  this_fiber::check_stop();  // nothing is consumed
  const cancel_shield shield;
  // relaxed: picks one; what it runs on was visible with the future.
  if (const deferred_fn function = deferred_.exchange(nullptr, memory_order_relaxed); function != nullptr)
    function(*this);
}

bool shared_result::wait_steady(time_point deadline) { return wait_in_queue(deadline, false); }
void shared_result::wait_shielded() noexcept { wait_in_queue(no_deadline, true); }

bool shared_result::wait_in_queue(time_point deadline, bool shielded) {
  if (is_ready()) {
    if (!shielded) spend_budget();
    return true;
  }
  waiter self(shielded ? point::no : point::yes, what);
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_acquire);  // pairs with publish()
    if ((seen & ready) != 0) {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      return true;
    }
    if ((seen & queue_locked) != 0) {
      contention.pause();
      // Acquire: the links; pairs with unlock_queue(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      waiter_list waiting(seen);
      waiting.push_back(self);
      unlock_queue(word_, waiting.bits() | (seen & claimed));
      break;
    }
  }
  bool ready_meanwhile = false;
  const wake why = park_queued(self, deadline, what, [&] {
    const std::uintptr_t seen = lock_queue(word_);
    waiter_list waiting(seen);
    if (self.linked) waiting.remove(self);
    ready_meanwhile = (seen & ready) != 0;
    unlock_queue(word_, waiting.bits() | (seen & (ready | claimed)));
  });
  if (why == wake::notified) return true;
  if (why == wake::stopped) throw_cancelled(what);
  spend_budget();  // a loop that polls must not keep the setter from running
  return ready_meanwhile;
}

}  // namespace weft::inline v0::detail
