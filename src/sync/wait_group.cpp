// The wait group, and the latch on top of it: a count that waiters want to see at zero.
//
// | bits | name         | meaning                                           | who changes it                          |
// |------|--------------|---------------------------------------------------|-----------------------------------------|
// | 0    | queue_locked | somebody works on the list; the word is frozen    | compare-exchange sets, its owner clears |
// | 1    | waited_for   | the list is not empty; then the count is not zero | owner of queue_locked                   |
// | 2-63 | count        | what is not done yet                              | add(), while queue_locked is clear      |
//
//   the last done()                                        wait
//   1. take queue_locked; the count stays what it is       a. count zero: return; else take queue_locked
//   2. claim all waiters                                   b. link, waited_for, release queue_locked
//   3. store zero: count, waited_for, lock: last touch     c. park
//   4. deliver them                                        d. not notified: take queue_locked, unlink, release
// Until 3 nobody can see zero, so nobody who has not been claimed in 2 can return and destroy the group. An add() that
// comes meanwhile waits for 3: it is one from zero, and those who wait have been let go before it.
// Counting down and waiting in one (a latch's arrive_and_wait) does both in one hold of queue_locked: whoever sees zero
// then finds this waiter in the list, so that it is claimed and need not look at the latch, which may be gone, again.
#include <weft/sync/wait_group.hpp>

#include <optional>  // a waiter that is made when it is needed

#include "base/check.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {
namespace {

using namespace detail;

constexpr unsigned count_shift = 2;

waiter_list list_of(waiter* first) noexcept { return waiter_list(reinterpret_cast<std::uintptr_t>(first)); }

}  // namespace

void wait_group::add(std::ptrdiff_t n) noexcept {
  std::uintptr_t seen = 0;
  for (queue_spin contention;;) {
    seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    const std::uintptr_t count = seen >> count_shift;
    const std::uintptr_t next_count = count + static_cast<std::uintptr_t>(n);  // wraps below zero
    WEFT_CHECK(next_count <= static_cast<std::uintptr_t>(largest_count), "wait_group or latch: %s",
               n < 0 ? "more done() than add()" : "the count overflows");
    const bool last = next_count == 0 && (seen & waited_for) != 0;
    const std::uintptr_t next = last ? seen | queue_locked : (next_count << count_shift) | (seen & waited_for);
    // Release: this caller's work; pairs with wait_steady(). Acquire: the work of those who were done before, which a
    // last one's plain store hands on, and the links; pairs with add() and unlock_queue(). Failure relaxed: tried again.
    if (word_.compare_exchange_weak(seen, next, memory_order_acq_rel, memory_order_relaxed)) {
      if (!last) return;
      note_queue_locked(word_);
      break;
    }
  }
  waiter_list waiting = list_of(first_);
  claimed_waiters woken;
  woken.claim_all(waiting);
  first_ = nullptr;
  unlock_queue(word_, 0);  // the last touch
  woken.deliver_all();
}

bool wait_group::is_zero() const noexcept {
  // Acquire: the work of all who are done; pairs with add().
  const bool zero = word_.load(memory_order_acquire) >> count_shift == 0;
  spend_budget();  // a loop around it must not keep the others from running
  return zero;
}

bool wait_group::wait_steady(time_point deadline, const char* what) {
  // Acquire, here and below: the work of all who are done; pairs with add().
  if (word_.load(memory_order_acquire) >> count_shift == 0) {
    spend_budget();
    return true;
  }
  waiter self(point::yes, what);
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_acquire);  // pairs with add()
    if (seen >> count_shift == 0) {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      return true;
    }
    if ((seen & queue_locked) != 0) {
      contention.pause();
      // Acquire: the links, and others' work that the store below hands on; pairs with unlock_queue() and add().
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      waiter_list waiting = list_of(first_);
      waiting.push_back(self);
      first_ = waiting.front();
      unlock_queue(word_, seen | waited_for);
      return park(self, deadline, what);
    }
  }
}

void wait_group::done_and_wait(std::ptrdiff_t n, const char* what) {
  const auto dones = static_cast<std::uintptr_t>(n);
  // relaxed: add() looks again. Whoever is last needs no waiter, and does not care about a stop.
  if (word_.load(memory_order_relaxed) >> count_shift == dones) {
    add(-n);
    return;
  }
  std::optional<waiter> self;
  try {
    self.emplace(point::yes, what);
  } catch (...) {
    add(-n);  // the arrival counts, whatever becomes of the wait
    throw;
  }
  for (queue_spin contention;;) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    if (seen >> count_shift <= dones) {
      self->abandon();  // a stop that won meanwhile is kept for the next point
      add(-n);          // the last one; or too many, which is reported there
      return;
    }
    // Acquire: the links, and others' work that the store below hands on; pairs with unlock_queue() and add().
    if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      waiter_list waiting = list_of(first_);
      waiting.push_back(*self);
      first_ = waiting.front();
      unlock_queue(word_, (seen - dones * one) | waited_for);
      park(*self, no_deadline, what);
      return;
    }
  }
}

// Waits, linked. \return true: the count was zero
bool wait_group::park(waiter& self, time_point deadline, const char* what) {
  bool zero_meanwhile = false;
  const wake why = park_queued(self, deadline, what, [&] {
    const std::uintptr_t seen = lock_queue(word_);
    waiter_list waiting = list_of(first_);
    zero_meanwhile = !self.linked;  // the last done() came after the deadline had won: it was there nevertheless
    if (self.linked) waiting.remove(self);
    first_ = waiting.front();
    unlock_queue(word_, waiting.empty() ? seen & ~waited_for : seen);
  });
  if (why == wake::notified) return true;
  if (why == wake::stopped) throw_cancelled(what);
  spend_budget();  // a loop that polls must not keep the others from being done
  return zero_meanwhile;
}

void wait_group::destroyed_in_use() const noexcept {
  fatal("a wait_group or latch is destroyed while somebody waits for it");
}

}  // namespace weft::inline v0
