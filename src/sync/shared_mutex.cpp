// The contended half of the shared mutex: readers in phases, writers as in a mutex.
//
// | bits | name         | meaning                                        | who changes it                                  |
// |------|--------------|------------------------------------------------|-------------------------------------------------|
// | 0    | queue_locked | somebody works on the queue; the word is frozen | compare-exchange sets, its owner clears         |
// | 1    | writer       | a writer holds it; then there are no readers   | set by compare-exchange or a hand-over; its holder |
// | 2    | waiting      | the queue is not empty                         | owner of queue_locked                           |
// | 3-63 | readers      | how many hold it                               | lock_shared(): while bits 0-2 are clear; unlock_shared() |
//
// The queue is two lists: writers in the order of their arrival, and readers, who are all let in together. What is true
// whenever queue_locked is clear:
// - Readers wait only behind a writer: one that holds it or one that waits. So a writer that gives up lets them in.
// - Free, and somebody waits: then the first writer has been woken and is on its way.
//
//   unlock, somebody waits                             unlock_shared, the last one, somebody waits
//   1. take queue_locked                               1. take queue_locked; the count stays one
//   2. readers wait: claim them all, they hold it      2. wake the first writer or hand over to it; no writer is to
//      else wake the first writer or hand over to it      be had any more: claim the readers
//   3. store the word: last touch                      3. store the word: last touch
//   4. deliver                                         4. deliver
// Which writer, and when it is handed over: src/sync/lock_waiter.hpp. Newcomers that write may overtake the woken one;
// newcomers that read may not, and what was let in by a writer leaves before the next: the phases alternate.
#include <weft/sync/shared_mutex.hpp>

#include "base/check.hpp"
#include "sync/lock_owners.hpp"
#include "sync/lock_waiter.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {

using namespace detail;

static constexpr const char* to_write = "shared mutex, to write";
static constexpr const char* to_read = "shared mutex, to read";

// The queue while queue_locked is the caller's, from its reading to the store that gives it back. Both lists fit behind
// first_: it is the first writer, whose `data` is the first reader; or, without writers, the first reader.
class shared_mutex::queue {
 public:
  static constexpr std::uint8_t writer_tag = 1;

  explicit queue(shared_mutex& owner) noexcept : owner_(owner) {
    waiter* const first = owner.first_;
    if (first != nullptr && first->tag == writer_tag) {
      writers = list_of(first);
      readers = list_of(static_cast<waiter*>(first->data));
    } else {
      readers = list_of(first);
    }
  }

  // The readers that are still to be had hold it from now on. \return the word's holders with them
  std::uintptr_t let_in_readers(std::uintptr_t holders) noexcept {
    while (let_in_.claim_one(readers)) holders += reader;
    return holders;
  }
  // \return the word's holders: a writer, if the lock was handed over
  std::uintptr_t wake_a_writer() noexcept {
    const next_holder next = choose_next_holder(writers);
    woken_ = next.to_deliver;
    return next.handed_over ? writer : 0;
  }
  // A writer has left without the lock: did readers wait for that one only?
  std::uintptr_t let_in_readers_behind_nobody(std::uintptr_t holders) noexcept {
    return (holders & writer) == 0 && writers.empty() ? let_in_readers(holders) : holders;
  }
  // Gives queue_locked back: the last touch. Then wakes whoever was let in or chosen.
  void finish(std::uintptr_t holders) noexcept {
    waiter* first = readers.front();
    if (!writers.empty()) {
      writers.front()->data = first;
      first = writers.front();
    }
    owner_.first_ = first;
    unlock_queue(owner_.word_, holders | (first != nullptr ? waiting : 0));
    let_in_.deliver_all();
    if (woken_ != nullptr) deliver(*woken_);
  }

  waiter_list writers, readers;

 private:
  static waiter_list list_of(waiter* first) noexcept { return waiter_list(reinterpret_cast<std::uintptr_t>(first)); }

  shared_mutex& owner_;
  claimed_waiters let_in_;
  lock_waiter* woken_ = nullptr;
};

// Tries for a moment, only while nobody waits, to add `mine` to a word without the bits `in_the_way`.
bool shared_mutex::spin_for(std::uintptr_t in_the_way, std::uintptr_t mine) noexcept {
  if (!worth_spinning()) return false;
  for (unsigned i = 0; i < longest_spin; ++i) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & in_the_way) == 0) {
      // Acquire pairs with unlock() and unlock_shared(). Failure relaxed: looked at again.
      if (word_.compare_exchange_weak(seen, seen + mine, memory_order_acquire, memory_order_relaxed)) return true;
    } else if ((seen & waiting) != 0) {
      return false;
    }
    spin_pause();
  }
  return false;
}

// ---- writers

void shared_mutex::lock_slow() {
  if (debug_checks()) [[unlikely]]
    check_before_waiting(this, hold::alone, "shared mutex");
  lock_steady(no_deadline, point::no);
  if (debug_checks()) [[unlikely]]
    note_writer();
}

bool shared_mutex::try_lock_until_slow(time_point deadline) {
  if (lock_steady(deadline, point::yes)) {
    if (debug_checks()) [[unlikely]]
      note_writer();
    return true;
  }
  spend_budget();  // a loop that polls must not keep the holder from running
  return false;
}

bool shared_mutex::lock_steady(time_point deadline, point p) {
  if (spin_for(~std::uintptr_t{0}, writer)) return true;
  lock_waiter self(p, to_write);
  self.tag = queue::writer_tag;
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    const bool free = (seen & ~waiting) == 0;
    // Acquire: the data and the links; pairs with unlock(), unlock_shared() and unlock_queue(). Failure relaxed: tried
    // again.
    if (!word_.compare_exchange_weak(seen, seen | (free ? writer : queue_locked), memory_order_acquire,
                                     memory_order_relaxed))
      continue;
    if (free) {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      return true;
    }
    note_queue_locked(word_);
    queue q(*this);
    q.writers.push_back(self);
    q.finish(seen & ~waiting);
    break;
  }

  for (;;) {
    const wake why = self.park(deadline, to_write);
    if (why == wake::notified) {
      const std::uintptr_t holders = lock_queue(word_) & ~waiting;
      queue q(*this);
      const bool mine = holders == 0 || self.handed_over;
      const bool waits_on = !mine && self.overtaken(p);  // in the same place: still the first
      if (self.linked && !waits_on) q.writers.remove(self);
      q.finish(mine ? writer : (waits_on ? holders : q.let_in_readers_behind_nobody(holders)));
      if (mine) return true;
      if (!waits_on) throw_cancelled(to_write);  // nobody is passed over: who holds it now will look at the queue
      continue;
    }
    const bool mine = leave(self);
    if (why == wake::timed_out) return mine;
    if (mine) release();
    throw_cancelled(to_write);
  }
}

// A wait that ended without the lock. \return true: it was free, so it has been taken
bool shared_mutex::leave(waiter& self) noexcept {
  const std::uintptr_t holders = lock_queue(word_) & ~waiting;
  queue q(*this);
  if (self.linked) q.writers.remove(self);
  q.finish(holders == 0 ? writer : q.let_in_readers_behind_nobody(holders));
  return holders == 0;
}

bool shared_mutex::try_lock_slow() {
  std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
  for (queue_spin contention; (seen & ~(waiting | queue_locked)) == 0;) {
    if ((seen & queue_locked) != 0) {
      contention.pause();
      seen = word_.load(memory_order_relaxed);  // relaxed: as above
      // Acquire pairs with unlock() and unlock_shared(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | writer, memory_order_acquire, memory_order_relaxed)) {
      if (debug_checks()) [[unlikely]]
        note_writer();
      return true;
    }
  }
  spend_budget();
  return false;
}

void shared_mutex::unlock_slow() noexcept {
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    WEFT_CHECK((seen & writer) != 0, "unlock of a shared mutex that no writer holds");
    if ((seen & queue_locked) != 0) {
      contention.pause();
    } else if ((seen & waiting) == 0) {
      // Release pairs with lock() and lock_shared(). Failure relaxed: looked at again.
      if (word_.compare_exchange_weak(seen, 0, memory_order_release, memory_order_relaxed)) return;
      // Acquire: the links; pairs with unlock_queue(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      break;
    }
  }
  queue q(*this);
  const std::uintptr_t readers = q.let_in_readers(0);
  q.finish(readers != 0 ? readers : q.wake_a_writer());
}

// ---- readers

void shared_mutex::lock_shared_slow() {
  if (debug_checks()) [[unlikely]]
    check_before_waiting(this, hold::shared, "shared mutex");
  lock_shared_steady(no_deadline, point::no);
  if (debug_checks()) [[unlikely]]
    note_reader();
}

bool shared_mutex::try_lock_shared_until_slow(time_point deadline) {
  if (lock_shared_steady(deadline, point::yes)) {
    if (debug_checks()) [[unlikely]]
      note_reader();
    return true;
  }
  spend_budget();  // a loop that polls must not keep the holder from running
  return false;
}

bool shared_mutex::lock_shared_steady(time_point deadline, point p) {
  if (spin_for(queue_locked | writer | waiting, reader)) return true;
  waiter self(p, to_read);
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    const bool open = (seen & (writer | waiting)) == 0;
    // Acquire: the data and the links; pairs with unlock() and unlock_queue(). Failure relaxed: tried again.
    if (!word_.compare_exchange_weak(seen, open ? seen + reader : seen | queue_locked, memory_order_acquire,
                                     memory_order_relaxed))
      continue;
    if (open) {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      return true;
    }
    note_queue_locked(word_);
    queue q(*this);
    q.readers.push_back(self);
    q.finish(seen & ~waiting);
    break;
  }
  const wake why = self.park(deadline, to_read);
  if (why == wake::notified) return true;  // who woke it has counted it
  const bool mine = leave_shared(self);
  if (why == wake::timed_out) return mine;
  if (mine) release_shared();
  throw_cancelled(to_read);
}

// A wait that ended without the lock. \return true: no writer was in the way any more, so it has been taken
bool shared_mutex::leave_shared(waiter& self) noexcept {
  const std::uintptr_t holders = lock_queue(word_) & ~waiting;
  queue q(*this);
  if (self.linked) q.readers.remove(self);
  const bool open = (holders & writer) == 0 && q.writers.empty();
  q.finish(open ? holders + reader : holders);
  return open;
}

bool shared_mutex::try_lock_shared_slow() {
  std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
  for (queue_spin contention; (seen & (writer | waiting)) == 0;) {
    if ((seen & queue_locked) != 0) {
      contention.pause();
      seen = word_.load(memory_order_relaxed);  // relaxed: as above
      // Acquire pairs with unlock(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen + reader, memory_order_acquire, memory_order_relaxed)) {
      if (debug_checks()) [[unlikely]]
        note_reader();
      return true;
    }
  }
  spend_budget();
  return false;
}

void shared_mutex::unlock_shared_slow() noexcept {
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    WEFT_CHECK(seen >= reader, "unlock_shared of a shared mutex that no reader holds");
    if ((seen & queue_locked) != 0) {
      contention.pause();
    } else if ((seen & waiting) == 0 || seen >= 2 * reader) {
      // Release: it has read; pairs with lock(), also through the other readers' decrements. Failure relaxed: looked at
      // again.
      if (word_.compare_exchange_weak(seen, seen - reader, memory_order_release, memory_order_relaxed)) return;
      // Acquire: the links, and that the other readers have read, which the plain store at the end hands on; pairs with
      // unlock_queue() and unlock_shared(). Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      break;
    }
  }
  queue q(*this);
  const std::uintptr_t next = q.wake_a_writer();
  q.finish(next == 0 ? q.let_in_readers_behind_nobody(0) : next);
}

void shared_mutex::destroyed_in_use() const noexcept {
  fatal("a shared mutex is destroyed while it is locked or waited for");
}

}  // namespace weft::inline v0
