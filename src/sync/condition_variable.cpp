// The condition variable: a list of waiters and nothing else.
//
// | bits | name         | meaning                    | who changes it                          |
// |------|--------------|----------------------------|-----------------------------------------|
// | 0    | queue_locked | somebody works on the list | compare-exchange sets, its owner clears |
// | 3-63 | head         | first waiter               | owner of queue_locked                   |
//
//   wait                                                 notify
//   1. link, with the mutex locked                       a. no head: nobody waits
//   2. unlock the mutex, park                            b. take queue_locked, claim the first (all) to be had
//   3. not notified: unlink if linked                    c. store the word: last touch
//   4. lock the mutex                                    d. deliver
// No wake-up is lost: a notifier that changed the condition under the mutex did so before the waiter locked it, and the
// waiter saw it, or after the waiter unlocked it, and then (a) sees the link of (1), whose store came before.
// A wait with a stop token registers with it between 2's halves: src/sync/stop_wake.hpp.
#include <weft/sync/condition_variable.hpp>

#include "base/check.hpp"
#include "sync/stop_wake.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {

using namespace detail;

static constexpr const char* what = "condition variable";

void condition_variable::notify_one() noexcept { notify(false); }
void condition_variable::notify_all() noexcept { notify(true); }

void condition_variable::notify(bool all) noexcept {
  // relaxed: the mutex has ordered it after the links that count; the list is read under its lock only.
  if ((word_.load(memory_order_relaxed) & queue_head) == 0) return;
  waiter_list waiting(lock_queue(word_));
  claimed_waiters woken;
  if (all) {
    woken.claim_all(waiting);
  } else {
    woken.claim_one(waiting);
  }
  unlock_queue(word_, waiting.bits());  // the last touch
  woken.deliver_all();
}

// `park(waiter, forget)` is park_queued() with the rest of its arguments.
template <class Park>
bool condition_variable::wait_with(std::unique_lock<mutex>& lock, Park park) {
  WEFT_CHECK(lock.owns_lock(), "condition_variable: wait with a lock that is not locked");
  mutex& outer = *lock.mutex();
  waiter self(point::yes, what);  // a stop that is pending throws here, with the mutex still locked
  {
    waiter_list waiting(lock_queue(word_));
    waiting.push_back(self);
    unlock_queue(word_, waiting.bits());
  }
  outer.unlock();
  const wake why = park(self, [&] {
    waiter_list waiting(lock_queue(word_));
    if (self.linked) waiting.remove(self);
    unlock_queue(word_, waiting.bits());
  });
  if (why == wake::timed_out) spend_budget();  // a loop that polls must not keep the notifier from running
  outer.lock();
  if (why == wake::stopped) throw_cancelled(what);
  return why != wake::timed_out;
}

bool condition_variable::wait_steady(std::unique_lock<mutex>& lock, time_point deadline) {
  return wait_with(lock, [&](waiter& self, auto forget) { return park_queued(self, deadline, what, forget); });
}

bool condition_variable::wait_steady(std::unique_lock<mutex>& lock, time_point deadline, const stop_token& stop) {
  return wait_with(lock, [&](waiter& self, auto forget) {
    const stop_wake ends_it(stop, self);
    return park_queued(self, deadline, what, forget);
  });
}

void condition_variable::destroyed_in_use() const noexcept {
  fatal("a condition variable is destroyed while somebody waits for it");
}

}  // namespace weft::inline v0
