// The transitions of the event's word. The waiters, and what happens to them, are in src/sync/event.cpp.
#pragma once
#include <cstdint>  // uintptr_t

#include <weft/base/atomic.hpp>  // real_atomics, memory orders

#include "sync/queue_word.hpp"

namespace weft::inline v0::detail {

// Memory orders of the event's word, one name per site, so that the model tests can weaken one at a time.
struct event_orders : queue_orders {
  static constexpr auto set = memory_order_release;   // what the setter did before; pairs with look and reset
  static constexpr auto look = memory_order_acquire;  // pairs with set and unlock; weft::event::is_set() is the same
  // Acquire: whoever finds the event cleared, by itself or by another reset, sees what the set() before wrote, and may
  // look at the condition before it waits; pairs with set, through the word's other writers. Release: what this caller
  // did before; pairs with look and lock.
  static constexpr auto reset_look = memory_order_acquire;
  static constexpr auto reset = memory_order_acq_rel;
};

template <class Atomics = real_atomics, class Orders = event_orders, class Spin = queue_spin>
struct event_word {
  using word_type = typename Atomics::template atomic<std::uintptr_t>;
  static constexpr std::uintptr_t flag = 2;

  static bool is_set(const word_type& word) noexcept { return (word.load(Orders::look) & flag) != 0; }

  // \return zero: it is set now, nobody waited. Else queue_locked is the caller's, and this is the word as it was: the
  // caller stores `flag` when it has taken the waiters out.
  static std::uintptr_t set_or_lock(word_type& word) noexcept {
    for (Spin contention;;) {
      std::uintptr_t seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
      if ((seen & queue_locked) != 0) {
        contention.pause();
      } else if ((seen & queue_head) == 0) {
        // Also when it is set already: what this caller wrote is published as well. Failure relaxed: looked at again.
        if (word.compare_exchange_weak(seen, flag, Orders::set, memory_order_relaxed)) return 0;
        // Failure relaxed: looked at again.
      } else if (word.compare_exchange_weak(seen, seen | queue_locked, Orders::lock, memory_order_relaxed)) {
        return seen;
      }
    }
  }

  // \return whether it was this call that cleared it.
  static bool reset(word_type& word) noexcept {
    std::uintptr_t seen = word.load(Orders::reset_look);
    for (Spin contention; (seen & flag) != 0;) {
      if ((seen & queue_locked) != 0) {
        contention.pause();
        seen = word.load(Orders::reset_look);
      } else if (word.compare_exchange_weak(seen, seen & ~flag, Orders::reset, Orders::reset_look)) {
        return true;
      }
    }
    return false;
  }

  // \return true: it is set. False: queue_locked is the caller's, `before` is the word as it was, without the flag.
  static bool is_set_or_lock(word_type& word, std::uintptr_t& before) noexcept {
    for (Spin contention;;) {
      before = word.load(Orders::look);
      if ((before & flag) != 0) return true;
      if ((before & queue_locked) != 0) {
        contention.pause();
        // Failure relaxed: looked at again.
      } else if (word.compare_exchange_weak(before, before | queue_locked, Orders::lock, memory_order_relaxed)) {
        return false;
      }
    }
  }
};

}  // namespace weft::inline v0::detail
