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
// | state    | meaning                                        | who changes it                                      |
// |----------|------------------------------------------------|-----------------------------------------------------|
// | linked   | the waiter unlocks, nothing is armed           | waiter, first                                       |
// | armed    | the waiter parks: claim and deliver it         | waiter, from linked                                 |
// | chosen   | notified, but the notifier is still inside     | notifier, from linked, under queue_locked, unlinked |
// | notified | that was all: the waiter may go, variable, too | notifier, from chosen, after its last touch         |
//
//   wait                                          notify
//   1. link, with the lock locked                 a. no head: nobody waits
//   2. unlock                                     b. take queue_locked; unlink the first (each)
//   3. arm; linked -> armed; chosen already:      c. linked -> chosen; it was armed: claim; lost: next one
//      give the wait up, spin until notified      d. store the word: last touch of the variable
//   4. park; not notified: unlink if linked       e. those chosen -> notified: last touch of the node; deliver those
//   5. lock                                          claimed
// Between c and e the notifier runs a few instructions and never suspends: what spins in 3 runs on another thread.
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

constexpr const char* what = "condition variable";

enum class stage : std::uint8_t { linked, armed, chosen, notified };

struct any_waiter : waiter {
  // A stop that is pending throws here. Nothing stays armed.
  any_waiter() : waiter(point::yes, what) { abandon(); }
  atomic<stage> state{stage::linked};

  // The waiter was chosen while it unlocked: until the notifier has let go of it, and of the variable before that.
  void await_notified() const noexcept {
    for (queue_spin contention; state.load(memory_order_acquire) != stage::notified;) {  // pairs with let_go()
      contention.pause();
    }
  }
};

// Waiters that were chosen under queue_locked. They stay until they are let go of, which comes after it.
class chosen_waiters {
 public:
  // \return false: it is armed, so it has to be claimed
  bool choose(any_waiter& w) noexcept {
    stage linked = stage::linked;
    // Acquire, on failure: the armed wait; pairs with the exchanges in wait_with(). On success nothing needs it; compilers
    // take no weaker order there. What the waiter sees of the notifier comes with let_go().
    if (!w.state.compare_exchange_strong(linked, stage::chosen, memory_order_acquire, memory_order_acquire))
      return false;
    w.next = first_;
    first_ = &w;
    return true;
  }
  void let_go() noexcept {
    while (any_waiter* const w = first_) {
      first_ = static_cast<any_waiter*>(w->next);             // read first: it may be gone
      w->state.store(stage::notified, memory_order_release);  // the notifier's doings; pairs with await_notified()
    }
  }

 private:
  any_waiter* first_ = nullptr;
};

}  // namespace

void condition_variable_any::notify_one() noexcept { notify(false); }
void condition_variable_any::notify_all() noexcept { notify(true); }

void condition_variable_any::notify(bool all) noexcept {
  // relaxed: the lock has ordered it after the links that count; the list is read under its own lock only.
  if ((word_.load(memory_order_relaxed) & queue_head) == 0) return;
  waiter_list waiting(lock_queue(word_));
  chosen_waiters unlocking;
  claimed_waiters woken;
  while (waiter* const w = waiting.pop_front()) {
    if ((unlocking.choose(static_cast<any_waiter&>(*w)) || woken.claim(*w)) && !all) break;
  }
  unlock_queue(word_, waiting.bits());  // the last touch
  unlocking.let_go();
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
    // Not chosen yet: a notifier that comes now finds a wait that cannot be claimed. Release pairs with choose(). Failure
    // relaxed: await_notified() looks again.
    if (self.state.compare_exchange_strong(linked, stage::armed, memory_order_release, memory_order_relaxed)) {
      why = wake::stopped;
      forget();
    } else {
      self.await_notified();
    }
  } else {
    stage linked = stage::linked;
    // Release: the armed wait; pairs with choose(). Failure relaxed: as above.
    if (self.state.compare_exchange_strong(linked, stage::armed, memory_order_release, memory_order_relaxed)) {
      why = park(self, forget);
    } else {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      self.await_notified();
    }
  }
  if (why == wake::timed_out) spend_budget();  // a loop that polls must not keep the notifier from running
  lock_again();
  if (why == wake::stopped) throw_cancelled(what);
  return why != wake::timed_out;
}

bool condition_variable_any::wait_steady(any_lock lock, time_point deadline) {
  return wait_with(lock, [&](waiter& self, auto forget) { return park_queued(self, deadline, what, forget); });
}

bool condition_variable_any::wait_steady(any_lock lock, time_point deadline, const stop_token& stop) {
  return wait_with(lock, [&](waiter& self, auto forget) {
    const stop_wake ends_it(stop, self);
    return park_queued(self, deadline, what, forget);
  });
}

void condition_variable_any::destroyed_in_use() const noexcept {
  fatal("a condition variable is destroyed while somebody waits for it");
}

}  // namespace weft::inline v0
