// The transitions of the semaphore's word. The waiters, and what happens to them, are in src/sync/semaphore.cpp.
#pragma once
#include <cstddef>  // ptrdiff_t
#include <cstdint>  // uintptr_t

#include <weft/base/atomic.hpp>     // real_atomics, memory orders
#include <weft/sync/semaphore.hpp>  // semaphore_word: the bits

#include "sync/queue_word.hpp"

namespace weft::inline v0::detail {

// Memory orders of the semaphore's word, one name per site, so that the model tests can weaken one at a time.
struct permit_orders : queue_orders {
  static constexpr auto add = memory_order_release;   // what the releaser did; pairs with take, also through later adds
  static constexpr auto take = memory_order_acquire;  // pairs with add and unlock
};

enum class permit_result { done, locked, too_many };

template <class Atomics = real_atomics, class Orders = permit_orders, class Spin = queue_spin>
struct permit_word {
  using word_type = typename Atomics::template atomic<std::uintptr_t>;
  static constexpr std::uintptr_t waited_for = semaphore_word::waited_for, one = semaphore_word::one;

  // done: nobody waits, there are n more now. locked: queue_locked is the caller's, `seen` has the list.
  static permit_result add_or_lock(word_type& word, std::ptrdiff_t n, std::ptrdiff_t limit,
                                   std::uintptr_t& seen) noexcept {
    for (Spin contention;;) {
      seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
      if ((seen & queue_locked) != 0) {
        contention.pause();
      } else if ((seen & waited_for) == 0) {
        const auto count = static_cast<std::ptrdiff_t>(seen / one);
        if (n > limit - count) return permit_result::too_many;
        // Also when n is zero: what the caller did is published. Failure relaxed: looked at again.
        if (word.compare_exchange_weak(seen, semaphore_word::of_count(count + n), Orders::add, memory_order_relaxed))
          return permit_result::done;
        // Failure relaxed: looked at again.
      } else if (word.compare_exchange_weak(seen, seen | queue_locked, Orders::lock, memory_order_relaxed)) {
        return permit_result::locked;
      }
    }
  }

  // Takes a permit if there is one.
  static bool take(word_type& word) noexcept {
    std::uintptr_t seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    for (Spin contention; has_permit(seen);) {
      if ((seen & queue_locked) != 0) {
        contention.pause();
        seen = word.load(memory_order_relaxed);  // relaxed: as above
        // Failure relaxed: looked at again.
      } else if (word.compare_exchange_weak(seen, seen - one, Orders::take, memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // done: has taken one. locked: there was none, queue_locked is the caller's, `before` has the list or no permit.
  static permit_result take_or_lock(word_type& word, std::uintptr_t& before) noexcept {
    for (Spin contention;;) {
      before = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
      if ((before & queue_locked) != 0) {
        contention.pause();
      } else if (has_permit(before)) {
        // Failure relaxed: looked at again.
        if (word.compare_exchange_weak(before, before - one, Orders::take, memory_order_relaxed))
          return permit_result::done;
        // Failure relaxed: looked at again.
      } else if (word.compare_exchange_weak(before, before | queue_locked, Orders::lock, memory_order_relaxed)) {
        return permit_result::locked;
      }
    }
  }

  static constexpr bool has_permit(std::uintptr_t word) noexcept { return word >= one && (word & waited_for) == 0; }
};

}  // namespace weft::inline v0::detail
