// The semaphore: either there are permits, or there are waiters, never both. So one word holds whichever it is.
//
// | bits | name         | meaning                                     | who changes it                                 |
// |------|--------------|---------------------------------------------|------------------------------------------------|
// | 0    | queue_locked | somebody works on the list; word is frozen  | compare-exchange sets, its owner clears        |
// | 1    | waited_for   | the other bits are a list, else a count     | owner of queue_locked                          |
// | 2-63 | count        | permits to be had                           | compare-exchange, while bits 0 and 1 are clear |
// | 3-63 | head         | first waiter, never zero                    | owner of queue_locked                          |
//
//   release(n)                                          acquire
//   1. a count: add n                                   a. a count, not zero: take one
//   2. a list: take queue_locked, claim up to n         b. else take queue_locked, link, store the list
//   3. store the rest of the list, or what is left of   c. park
//      n as a count: last touch                         d. notified: the permit is its own
//   4. deliver                                          e. else take queue_locked, unlink if linked; store
// Permits are handed over: a newcomer finds a list, not a count, and goes to its end. So nobody is overtaken, and a
// permit that a waiter does not want any more (its claim lost) is still in the releaser's hand for the next one.
// Steps 1, 2, a and b, and the word's orders: src/sync/permit_word.hpp.
#include <weft/sync/semaphore.hpp>

#include "base/check.hpp"
#include "sync/permit_word.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0::detail {
namespace {

using permits = permit_word<>;
constexpr const char* what = "semaphore";

}  // namespace

void semaphore_word::release(std::ptrdiff_t n, std::ptrdiff_t limit) noexcept {
  WEFT_CHECK(n >= 0, "semaphore: release of a negative number");
  std::uintptr_t seen = 0;
  const permit_result result = permits::add_or_lock(word_, n, limit, seen);
  WEFT_CHECK(result != permit_result::too_many, "semaphore: more permits than max()");
  if (result == permit_result::done) return;
  note_queue_locked(word_);
  waiter_list waiting(seen);
  claimed_waiters woken;
  std::ptrdiff_t left = n;
  while (left != 0 && woken.claim_one(waiting)) --left;
  WEFT_CHECK(left <= limit, "semaphore: more permits than max()");
  unlock_queue(word_, waiting.empty() ? of_count(left) : waiting.bits() | waited_for);  // the last touch
  woken.deliver_all();
}

bool semaphore_word::try_acquire() noexcept {
  const bool taken = permits::take(word_);
  spend_budget();  // a loop around it must not keep the others from running
  return taken;
}

bool semaphore_word::acquire_steady(time_point deadline) {
  if (permits::take(word_)) {
    spend_budget();
    return true;
  }
  waiter self(point::yes, what);
  std::uintptr_t before = 0;
  if (permits::take_or_lock(word_, before) == permit_result::done) {
    self.abandon();  // a stop that won meanwhile is kept for the next point
    return true;
  }
  note_queue_locked(word_);
  waiter_list waiting(before);
  waiting.push_back(self);
  unlock_queue(word_, waiting.bits() | waited_for);
  const wake why = park_queued(self, deadline, what, [&] {
    const std::uintptr_t seen = lock_queue(word_);
    if (self.linked) {
      waiting = waiter_list(seen);
      waiting.remove(self);
      unlock_queue(word_, waiting.empty() ? 0 : waiting.bits() | waited_for);
    } else {  // a release() came after the deadline or the stop had won: its permit is the next one's, or still there
      unlock_queue(word_, seen);
    }
  });
  if (why == wake::notified) return true;
  if (why == wake::stopped) throw_cancelled(what);
  const bool in_time = permits::take(word_);
  spend_budget();  // a loop that polls must not keep the releaser from running
  return in_time;
}

void semaphore_word::destroyed_in_use() const noexcept {
  fatal("a semaphore is destroyed while somebody waits for it");
}

}  // namespace weft::inline v0::detail
