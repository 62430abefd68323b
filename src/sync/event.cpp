// The event: everybody waits for one bit.
//
// | bits | name         | meaning                    | who changes it                                        |
// |------|--------------|----------------------------|-------------------------------------------------------|
// | 0    | queue_locked | somebody works on the list | compare-exchange sets, its owner clears               |
// | 1    | flag         | the event is set           | set(), reset(), never while queue_locked is another's |
// | 3-63 | head         | first waiter               | owner of queue_locked; zero whenever flag is set      |
//
//   set                                       wait
//   1. take queue_locked                      a. take queue_locked, unless flag is set: then return
//   2. claim all waiters                      b. link, release queue_locked
//   3. store flag, no waiters: last touch     c. park
//   4. deliver them                           d. not notified: take queue_locked, unlink if linked, release
// Steps 1, a and the word's orders: src/sync/event_word.hpp.
// Whoever sees flag without having waited returns at once and may destroy the event: 3 is the last touch for it too.
#include <weft/sync/event.hpp>

#include "base/check.hpp"
#include "sched/hot_path.hpp"  // waits, inline
#include "sched/worker.hpp"    // current_worker
#include "sync/event_word.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0 {
namespace {

using namespace detail;
using word = event_word<>;
constexpr const char* what = "event";

}  // namespace

void event::set() noexcept {
  const std::uintptr_t seen = word::set_or_lock(word_);
  if (seen == 0) return;
  note_queue_locked(word_);
  waiter_list waiting(seen);
  claimed_waiters woken;
  woken.claim_all(waiting);
  unlock_queue(word_, flag);  // the last touch
  woken.deliver_all();
}

void event::reset() noexcept { word::reset(word_); }

bool event::wait_steady(time_point deadline) {
  if (is_set()) {
    spend_budget();
    return true;
  }
  waiter self(point::yes, current_worker(), what);
  std::uintptr_t before = 0;
  if (word::is_set_or_lock(word_, before)) {
    self.abandon();  // a stop that won meanwhile is kept for the next point
    return true;
  }
  note_queue_locked(word_);
  waiter_list waiting(before);
  waiting.push_back(self);
  unlock_queue(word_, waiting.bits());
  bool set_meanwhile = false;
  const wake why = park_queued(self, deadline, what, [&] {
    const std::uintptr_t seen = lock_queue(word_);
    waiting = waiter_list(seen);
    set_meanwhile = !self.linked || (seen & flag) != 0;  // unlinked by a set() that may have been undone since
    if (self.linked) waiting.remove(self);
    unlock_queue(word_, waiting.bits() | (seen & flag));
  });
  if (why == wake::notified) return true;
  if (why == wake::stopped) throw_cancelled(what);
  spend_budget();  // a loop that polls must not keep the setter from running
  return set_meanwhile;
}

void event::destroyed_in_use() const noexcept { fatal("an event is destroyed while somebody waits for it"); }

}  // namespace weft::inline v0
