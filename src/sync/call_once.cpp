// call_once: the flag's word leads to the call that runs the initializer, and that one to those who wait for it.
//
// | bits | name         | meaning                                            | who changes it                          |
// |------|--------------|----------------------------------------------------|-----------------------------------------|
// | 0    | queue_locked | somebody works on the list; word is frozen         | compare-exchange sets, its owner clears |
// | 1    | finished     | an initializer has returned; nothing else is set   | the call that ran it                    |
// | 3-63 | running      | the once_call that runs the initializer; zero: none | owner of queue_locked                   |
//
// A once_call lies on its caller's stack for as long as it runs or waits. So the word needs no room for the list: its head
// is in the running call. A call that gives up makes the first that waits the running one, before it wakes it.
#include <weft/sync/call_once.hpp>

#include "base/check.hpp"
#include "sync/caller.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr const char* what = "call_once";

waiter_list list_of(waiter* first) noexcept { return waiter_list(reinterpret_cast<std::uintptr_t>(first)); }

}  // namespace

once_call::once_call(once_flag& flag) : flag_(flag), caller_(this_caller()) { wait_for_turn(); }

void once_call::wait_for_turn() {
  static_assert(alignof(once_call) >= 8, "three low bits of its address are free");
  waiter self(point::no, what);
  for (queue_spin contention;;) {
    std::uintptr_t seen = flag_.word_.load(memory_order_acquire);  // pairs with done()
    if (seen == once_flag::finished) {
      self.abandon();
      return;
    }
    if ((seen & queue_locked) != 0) {
      contention.pause();
      // Acquire: the running call and its list; pairs with unlock_queue(). Failure relaxed: looked at again.
    } else if (flag_.word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire,
                                                 memory_order_relaxed)) {
      note_queue_locked(flag_.word_);
      auto* const running = reinterpret_cast<once_call*>(seen & queue_head);
      if (running == nullptr) {
        runs_ = true;
        unlock_queue(flag_.word_, reinterpret_cast<std::uintptr_t>(this));
        self.abandon();
        return;
      }
      WEFT_CHECK(running->caller_ != caller_, "call_once: the initializer calls call_once with its own flag");
      waiter_list waiting = list_of(running->first_);
      self.data = this;
      waiting.push_back(self);
      running->first_ = waiting.front();
      unlock_queue(flag_.word_, seen);
      break;
    }
  }
  self.park(no_deadline, what);  // nothing but a notification ends it; runs_ tells which
}

void once_call::done() noexcept {
  runs_ = false;
  lock_queue(flag_.word_);
  waiter_list waiting = list_of(first_);
  claimed_waiters woken;
  woken.claim_all(waiting);
  unlock_queue(flag_.word_, once_flag::finished);  // the last touch
  woken.deliver_all();
}

void once_call::give_up() noexcept {
  lock_queue(flag_.word_);
  waiter_list waiting = list_of(first_);
  waiter* const next = waiting.pop_front();
  if (next == nullptr) {
    unlock_queue(flag_.word_, 0);
    return;
  }
  auto* const heir = static_cast<once_call*>(next->data);
  heir->first_ = waiting.front();
  heir->runs_ = true;
  // It wins: nobody else may end this wait.
  next->claim(wake::notified);
  unlock_queue(flag_.word_, reinterpret_cast<std::uintptr_t>(heir));  // the last touch
  deliver(*next);
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0 {

void once_flag::destroyed_in_use() const noexcept {
  detail::fatal("a once_flag is destroyed while somebody runs its initializer or waits for it");
}

}  // namespace weft::inline v0
