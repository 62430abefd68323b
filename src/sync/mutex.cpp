// The contended half of the mutex: barging, bounded by handing the mutex over.
//
// | bits | name         | meaning                            | who changes it                                           |
// |------|--------------|------------------------------------|----------------------------------------------------------|
// | 0    | queue_locked | somebody works on the list         | set by compare-exchange, only together with locked       |
// | 1    | locked       | somebody holds the mutex           | lock(): compare-exchange from clear; its holder clears it |
// | 3-63 | head         | first waiter                       | owner of queue_locked                                    |
//
// While locked and queue_locked are both set the word is frozen: lockers see locked, and the holder waits for
// queue_locked before it unlocks. So a waiter that has changed the list ends with a plain store, and so does the holder
// that unlocks: its store gives up both bits at once and is its last touch of the mutex.
//
//   unlock with waiters                                 the first waiter, woken
//   1. take queue_locked; look at the first waiter      a. the mutex is free: take it and queue_locked, unlink
//   2. it has been overtaken for long: unlink it, it    b. else take queue_locked; handed over: the mutex is its own
//      is the holder now: store the word with `locked`  c. else arm again, in the same place: still the first
//   3. else store the word without `locked`
//   4. it was asleep: wake it, once
// A woken waiter stays in the list until the mutex is its own. It may be long in coming: its worker runs another fiber,
// perhaps the very one that locks and unlocks in a loop and never suspends. That one's unlocks meet it in the list, and
// hand over when its time has come; then the greedy fiber finds the mutex locked and has to park.
// Only the first waiter is woken, and it is linked only while `locked` is set, so that the holder of that moment will
// see it: no wake-up is lost. A timed waiter that gives up has to take queue_locked to unlink itself, and with it the
// mutex, if that is free at the moment: then it was in time after all.
#include <weft/sync/mutex.hpp>

#include "base/check.hpp"
#include "sync/lock_waiter.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {

using namespace detail;

static constexpr const char* what = "mutex";

void mutex::lock_slow() {
  if (debug_checks()) [[unlikely]]
    check_before_lock();
  lock_steady(no_deadline, point::no);
  if (debug_checks()) [[unlikely]]
    note_owner();
}

bool mutex::try_lock_until_slow(time_point deadline) {
  if (lock_steady(deadline, point::yes)) {
    if (debug_checks()) [[unlikely]]
      note_owner();
    return true;
  }
  spend_budget();  // a loop that polls must not keep the holder from running
  return false;
}

bool mutex::lock_steady(time_point deadline, point p) {
  if (worth_spinning() && spin_for()) return true;
  lock_waiter self(p, what);
  // Links it, or takes the mutex if it is free.
  const std::uintptr_t before = take_or_lock_queue(0);
  if ((before & locked) == 0) {
    self.abandon();  // a stop that won meanwhile is kept for the next point
    return true;
  }
  waiter_list waiting(before);
  waiting.push_back(self);
  unlock_queue(word_, waiting.bits() | locked);

  for (;;) {
    const wake why = self.park(deadline, what);
    if (why == wake::notified) {
      const std::uintptr_t seen = take_or_lock_queue(queue_locked);
      waiting = waiter_list(seen);
      const bool mine = (seen & locked) == 0 || self.handed_over;
      const bool waits_on = !mine && self.overtaken(p);  // in the same place: still the first
      if (self.linked && !waits_on) waiting.remove(self);
      unlock_queue(word_, waiting.bits() | locked);
      if (mine) return true;
      if (!waits_on) throw_cancelled(what);  // nobody is passed over: who holds the mutex now will look at the list
      continue;
    }
    const bool mine = leave(self);
    if (why == wake::timed_out) return mine;
    if (mine) release();
    throw_cancelled(what);
  }
}

// A wait that ended without the mutex. \return true: it was free, so it has been taken
bool mutex::leave(waiter& self) noexcept {
  const std::uintptr_t seen = take_or_lock_queue(queue_locked);
  waiter_list waiting(seen);
  if (self.linked) waiting.remove(self);
  unlock_queue(word_, waiting.bits() | locked);
  return (seen & locked) == 0;
}

// When the mutex is free: takes it, and sets `also`. Else sets queue_locked. \return the word as it was
std::uintptr_t mutex::take_or_lock_queue(std::uintptr_t also) noexcept {
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    const std::uintptr_t added = (seen & locked) == 0 ? locked | also : queue_locked;
    // Acquire: the data and the links; pairs with unlock() and unlock_queue(). Failure relaxed: tried again.
    if (word_.compare_exchange_weak(seen, seen | added, memory_order_acquire, memory_order_relaxed)) {
      if ((added & queue_locked) != 0) note_queue_locked(word_);
      return seen;
    }
  }
}

// Tries for a moment, only while nobody waits: a queue means that the mutex is held for longer than that.
bool mutex::spin_for() noexcept {
  for (unsigned i = 0; i < longest_spin; ++i) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & locked) == 0) {
      // Acquire pairs with unlock(). Failure relaxed: looked at again.
      if (word_.compare_exchange_weak(seen, seen | locked, memory_order_acquire, memory_order_relaxed)) return true;
    } else if ((seen & queue_head) != 0) {
      return false;
    }
    spin_pause();
  }
  return false;
}

bool mutex::try_lock_slow() {
  std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
  while ((seen & locked) == 0) {
    // Acquire pairs with unlock(). Failure relaxed: looked at again.
    if (word_.compare_exchange_weak(seen, seen | locked, memory_order_acquire, memory_order_relaxed)) {
      if (debug_checks()) [[unlikely]]
        note_owner();
      return true;
    }
  }
  spend_budget();
  return false;
}

void mutex::unlock_slow() noexcept {
  std::uintptr_t seen = 0;
  for (queue_spin contention;;) {
    seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    WEFT_CHECK((seen & locked) != 0, "unlock of a mutex that is not locked");
    if ((seen & queue_locked) != 0) {
      contention.pause();
    } else if ((seen & queue_head) == 0) {
      // Release pairs with lock(). Failure relaxed: looked at again.
      if (word_.compare_exchange_weak(seen, 0, memory_order_release, memory_order_relaxed)) return;
      // Acquire: the links; pairs with unlock_queue(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      break;
    }
  }
  waiter_list waiting(seen);
  const next_holder next = choose_next_holder(waiting);
  // The last touch. Without `locked` a waiter that was woken before may be gone at once; one that sleeps is not.
  unlock_queue(word_, waiting.bits() | (next.handed_over ? locked : 0));
  if (next.to_deliver != nullptr) deliver(*next.to_deliver);
}

void mutex::destroyed_in_use() const noexcept { fatal("a mutex is destroyed while it is locked or waited for"); }

}  // namespace weft::inline v0
