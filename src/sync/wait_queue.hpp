// The waiters of one primitive: an intrusive list whose head shares one word with the primitive's state.
//
// The one idea: one bit of the word, queue_locked, is a spin lock over the list, and while it is set nobody else changes
// the word. So a waker ends with one plain store that publishes the new state, the new head and the free lock together.
// That store is its last touch of the primitive: the waiters it lets go are in a local list by then, and the first that
// is delivered, or anybody who sees the new state, may destroy the primitive.
//
// | bits | name         | meaning                                              | who changes it                         |
// |------|--------------|------------------------------------------------------|----------------------------------------|
// | 0    | queue_locked | somebody works on the list; the word is frozen       | compare-exchange sets, its owner clears |
// | 1-2  | of the primitive                                                                                              |
// | 3-63 | head         | first waiter; its `prev` is the last one             | owner of queue_locked                  |
//
// (A mutex's word may change under queue_locked in one way, see src/sync/mutex.cpp; a wait_group's has a count instead
// of the head.) Nothing suspends, throws or makes a system call while it holds queue_locked.
#pragma once
#include <type_traits>  // type_identity

#include <weft/base/debug_checks.hpp>  // lock_rank

#include "sched/chaos.hpp"     // chaos_delay
#include "sched/current.hpp"   // current_worker
#include "sched/hot_path.hpp"  // waiter, inline
#include "sync/queue_word.hpp"

namespace weft::inline v0::detail {

static_assert(alignof(waiter) >= 8, "three low bits of a waiter's address are free");
using waiter_list = circle<waiter>;

// Waiters that were claimed, on their way out. Filled under queue_locked, delivered after the primitive's last touch.
class claimed_waiters {
 public:
  // Moves the first waiter that is still to be had from `from` to here. A waiter whose timeout or stop has won is only
  // unlinked: it must not use up a notification. \return false: there was none
  bool claim_one(waiter_list& from) noexcept {
    while (waiter* w = from.pop_front()) {
      if (claim(*w)) return true;
    }
    return false;
  }
  // The same for one waiter, which is in no list any more.
  bool claim(waiter& w) noexcept {
    chaos_delay();
    if (!w.claim_inline(wake::notified)) return false;
    w.next = nullptr;
    *end_ = &w;
    end_ = &w.next;
    return true;
  }
  void claim_all(waiter_list& from) noexcept {
    while (claim_one(from)) {
    }
  }
  void deliver_all() noexcept {
    worker* const here = current_worker();
    for (waiter* w = first_; w != nullptr;) {
      waiter* const rest = w->next;  // read first: a delivered waiter may be gone
      deliver_inline(*w, here);
      w = rest;
    }
  }

 private:
  waiter* first_ = nullptr;
  waiter** end_ = &first_;
};

// What debug checks know of a word's lock. Nothing else is locked under one, but under a channel's.
// For those who have set queue_locked themselves, together with something else:
template <class Integer>
void note_queue_locked(const atomic<Integer>& word, lock_rank rank = lock_rank::list) noexcept {
  if (debug_checks()) [[unlikely]]
    note_lock(&word, rank);
}

// The word's lock of a primitive that ships, whose word is as wide as a pointer, or has 64 bits: with chaos around it, and known to the debug checks.
template <class Integer>
Integer lock_queue(atomic<Integer>& word, lock_rank rank = lock_rank::list) noexcept {
  chaos_delay();
  note_queue_locked(word, rank);
  return lock_queue<queue_orders>(word);
}
template <class Integer>
void unlock_queue(atomic<Integer>& word, std::type_identity_t<Integer> value) noexcept {
  chaos_delay();
  if (debug_checks()) [[unlikely]]
    note_unlock(&word);
  unlock_queue<queue_orders>(word, value);
  chaos_delay();
}

// Parks a waiter that is in a list. `forget` takes it out of there, if nobody has; it is called unless the waiter was
// notified, in which case the primitive may be gone.
template <class Forget>
wake park_queued(waiter& self, time_point deadline, const char* what, Forget forget) {
  const wake why = self.park_inline(deadline, what);
  if (why != wake::notified) forget();
  return why;
}

}  // namespace weft::inline v0::detail
