// Who waits at channels: one armed wait with a place in one queue (send, receive) or in several (select).
#pragma once
#include <weft/fiber/record.hpp>  // fiber_record
#include <weft/sync/channel_core.hpp>

#include "fiber/block.hpp"      // begin_no_suspend
#include "sched/hot_path.hpp"   // armed_wait, inline
#include "sync/wait_queue.hpp"  // lock_queue

namespace weft::inline v0::detail {

// The winner of the claim, and nobody else, writes `winner`, `result` and the value, until it delivers.
struct channel_wait : armed_wait {
  channel_wait(worker* here, channel_node* first_place, const char* what)
      : armed_wait(point::yes, here, what), places(first_place) {}
  // An attempt that throws leaves it armed.
  ~channel_wait() {
    if (!over) give_up();
  }
  channel_wait(const channel_wait&) = delete;
  channel_wait& operator=(const channel_wait&) = delete;

  // \pre no place is linked. A stop that won meanwhile is kept for the next cancellation point.
  void give_up() noexcept {
    over = true;
    abandon();
  }

  // Parks; `forget` unlinks all places. \return notified: `result` says what was done, and channels may be gone.
  template <class Forget>
  wake park_at_places(time_point deadline, const char* what, Forget forget) {
    over = true;
    const wake why = park_inline(deadline, what);
    if (why != wake::notified) forget();
    return why;
  }

  channel_node* const places;      // linked by `peer`
  channel_node* winner = nullptr;  // the place at which the wait ended
  exchange result = exchange::not_ready;
  bool over = false;
};

// Waits that were won, on their way out. Filled under a channel's lock, delivered after the last touch of it.
class channel_core::woken_list {
 public:
  void add(channel_node& place) noexcept {
    place.next = nullptr;
    *end_ = &place;
    end_ = &place.next;
  }
  void deliver_all(worker* here) noexcept {
    for (channel_node* n = first_; n != nullptr;) {
      channel_node* const rest = n->next;  // read first: a delivered place may be gone
      deliver_inline(*n->wait, here);
      n = rest;
    }
  }

 private:
  channel_node* first_ = nullptr;
  channel_node** end_ = &first_;
};

// Values are moved, by code of the user's, under spin locks: whoever suspended there would stop all others.
class suspension_ban {
 public:
  suspension_ban(worker* here, bool wanted) noexcept : fiber_(wanted && here != nullptr ? here->current : nullptr) {
    if (fiber_ != nullptr) begin_no_suspend(*fiber_, "in the move of a channel's value");
  }
  ~suspension_ban() {
    if (fiber_ != nullptr) end_no_suspend(*fiber_);
  }
  suspension_ban(const suspension_ban&) = delete;
  suspension_ban& operator=(const suspension_ban&) = delete;

 private:
  fiber_record* const fiber_;
};

inline void channel_core::lock() noexcept { held_ = lock_queue(word_, lock_rank::channel); }
inline void channel_core::unlock() noexcept { unlock_queue(word_, held_); }

// One channel's lock, and what has to be done when it is given up, also by an exception of a move.
class channel_core::section {
 public:
  section(channel_core& c, worker* here) noexcept : core_(c), here_(here), ban_(here, !c.ops().trivial) {
    core_.lock();
  }
  ~section() {
    core_.unlock();  // the last touch
    woken.deliver_all(here_);
  }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

 private:
  channel_core& core_;
  worker* const here_;
  suspension_ban ban_;

 public:
  woken_list woken;
};

// Whether an attempt may succeed; it may still find that all who seem to wait have gone.
inline bool channel_core::promises(std::uintptr_t word, side which) const noexcept {
  if (which == side::send) return (word & (is_closed | receivers_wait)) != 0 || word / one < capacity_;
  return word >= one || (word & (is_closed | senders_wait)) != 0;
}

// Whether an attempt is worth the lock. A hint: an attempt that waits looks again under the lock.
inline bool channel_core::looks_ready(side which) const noexcept {
  return promises(word_.load(memory_order_relaxed), which);  // relaxed: a hint
}

[[gnu::always_inline]] inline exchange channel_core::attempt(side which, void* value, woken_list& woken) {
  if (!promises(held_, which)) return exchange::not_ready;
  return which == side::send ? put(value, woken) : take(value, woken);
}

}  // namespace weft::inline v0::detail
