// The condition variable with any lock: a list of waiters, some of which are still unlocking.
//
// | bits | name         | meaning                    | who changes it                          |
// |------|--------------|----------------------------|-----------------------------------------|
// | 0    | queue_locked | somebody works on the list | compare-exchange sets, its owner clears |
// | 3-63 | head         | first waiter               | owner of queue_locked                   |
//
// As in src/sync/condition_variable.cpp, a waiter has to be in the list before it unlocks. But an unlock() of unknown make
// may wait for something itself, and a fiber waits for one thing at a time. So the node is linked unarmed, and a state of
// its own decides between the notifier and the waiter, who does not look at the condition variable after a notification:
//
// | state    | meaning                                       | who changes it                                       |
// |----------|-----------------------------------------------|------------------------------------------------------|
// | linked   | the waiter unlocks, nothing is armed          | waiter, first                                        |
// | armed    | the waiter parks: claim and deliver it        | waiter, from linked                                  |
// | notified | from linked: that was all. From armed: claim | notifier, under queue_locked, after it has unlinked it |
//
//   wait                                          notify
//   1. link, with the lock locked                 a. no head: nobody waits
//   2. unlock                                     b. take queue_locked; unlink the first (each)
//   3. arm; linked -> armed; notified already:    c. make it notified; it was armed: claim; lost: next one
//      give the wait up, done                     d. store the word: last touch
//   4. park; not notified: unlink if linked       e. deliver those claimed
//   5. lock
// A wait with a stop token registers with it (src/sync/stop_wake.hpp) between 3 and 4: the callback needs an armed wait to
// claim. A stop that came earlier, while the waiter unlocked, runs it at once, and the park returns.
#include <weft/sync/condition_variable_any.hpp>

#include <weft/sched/this_fiber.hpp>  // cancel_shield

#include "base/check.hpp"
#include "sync/stop_wake.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {
namespace {

using namespace detail;

enum class stage : std::uint8_t { linked, armed, notified };

struct any_waiter : waiter {
  // A stop that is pending throws here. Nothing stays armed.
  any_waiter() : waiter(point::yes) { abandon(); }
  atomic<stage> state{stage::linked};
};

// \return true: the notification is delivered, or the waiter was armed and is claimed now.
bool hand_notification_to(any_waiter& w, claimed_waiters& woken) noexcept {
  // Acquire: the armed wait; pairs with the exchange in wait_with(). Release: the notifier's doings and the unlinking,
  // for a waiter that does not park; pairs with the same. From `linked` on the node may be gone afterwards.
  if (w.state.exchange(stage::notified, memory_order_acq_rel) == stage::linked) return true;
  return woken.claim(w);
}

}  // namespace

void condition_variable_any::notify_one() noexcept { notify(false); }
void condition_variable_any::notify_all() noexcept { notify(true); }

void condition_variable_any::notify(bool all) noexcept {
  // relaxed: the lock has ordered it after the links that count; the list is read under its own lock only.
  if ((word_.load(memory_order_relaxed) & queue_head) == 0) return;
  waiter_list waiting(lock_queue(word_));
  claimed_waiters woken;
  while (waiter* const w = waiting.pop_front()) {
    if (hand_notification_to(static_cast<any_waiter&>(*w), woken) && !all) break;
  }
  unlock_queue(word_, waiting.bits());  // the last touch
  woken.deliver_all();
}

// `park(waiter, forget)` is park_queued() with the rest of its arguments.
template <class Park>
bool condition_variable_any::wait_with(any_lock lock, Park park) {
  any_waiter self;
  {
    waiter_list waiting(lock_queue(word_));
    waiting.push_back(self);
    unlock_queue(word_, waiting.bits());
  }
  const auto forget = [&] {
    waiter_list waiting(lock_queue(word_));
    if (self.linked) waiting.remove(self);
    unlock_queue(word_, waiting.bits());
  };
  const auto lock_again = [&] {
    const cancel_shield shield;
    lock.lock(lock.object);
  };
  {
    const cancel_shield shield;  // an unlock() that waits must not throw
    lock.unlock(lock.object);
  }

  wake why = wake::notified;
  if (!self.arm_again(point::yes)) {
    stage linked = stage::linked;
    // Not notified yet: a notifier that comes now finds a wait that cannot be claimed. Release pairs with
    // hand_notification_to(); acquire, on failure, pairs with it too.
    if (self.state.compare_exchange_strong(linked, stage::armed, memory_order_acq_rel, memory_order_acquire)) {
      why = wake::stopped;
      forget();
    }
  } else {
    stage linked = stage::linked;
    // Release: the armed wait; acquire, on failure: what the notifier did. Both pair with hand_notification_to().
    if (self.state.compare_exchange_strong(linked, stage::armed, memory_order_acq_rel, memory_order_acquire)) {
      why = park(self, forget);
    } else {
      self.abandon();  // a stop that won meanwhile is kept for the next point
    }
  }
  if (why == wake::timed_out) spend_budget();  // a loop that polls must not keep the notifier from running
  lock_again();
  if (why == wake::stopped) throw_cancelled();
  return why != wake::timed_out;
}

bool condition_variable_any::wait_steady(any_lock lock, time_point deadline) {
  return wait_with(
      lock, [&](waiter& self, auto forget) { return park_queued(self, deadline, "condition variable", forget); });
}

bool condition_variable_any::wait_steady(any_lock lock, time_point deadline, const stop_token& stop) {
  return wait_with(lock, [&](waiter& self, auto forget) {
    const stop_wake ends_it(stop, self);
    return park_queued(self, deadline, "condition variable", forget);
  });
}

void condition_variable_any::destroyed_in_use() const noexcept {
  fatal("a condition variable is destroyed while somebody waits for it");
}

}  // namespace weft::inline v0
