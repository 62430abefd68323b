/// \file   weft/base/spin_lock.hpp
/// \brief  A spin lock for sections of a few instructions, between workers and plain threads. Private to weft.
///
/// Never held across a suspension or a system call; after a short spin it gives the CPU away, because its holder may have
/// been preempted.
#pragma once
#include <sched.h>  // sched_yield

#include <weft/base/atomic.hpp>
#include <weft/base/debug_checks.hpp>  // lock_rank

namespace weft::inline v0::detail {

class spin_lock {
 public:
  constexpr spin_lock() noexcept = default;
  constexpr explicit spin_lock(lock_rank rank) noexcept : rank_(rank) {}

  void lock() noexcept {
    if (debug_checks()) [[unlikely]]
      note_lock(this, rank_);
    while (held_.exchange(true, memory_order_acquire)) {  // pairs with the release in unlock()
      wait_until_free();
    }
  }
  bool try_lock() noexcept {
    if (held_.exchange(true, memory_order_acquire)) return false;  // pairs with unlock()
    if (debug_checks()) [[unlikely]]
      note_lock(this, rank_);
    return true;
  }
  void unlock() noexcept {
    if (debug_checks()) [[unlikely]]
      note_unlock(this);
    held_.store(false, memory_order_release);  // pairs with lock()
  }

 private:
  void wait_until_free() noexcept {
    for (unsigned spins = 0; held_.load(memory_order_relaxed); ++spins) {  // relaxed: only a hint, lock() synchronizes
      if (spins < 64) {
        spin_pause();
      } else {
        ::sched_yield();
      }
    }
  }
  atomic<bool> held_{false};
  lock_rank rank_ = lock_rank::leaf;
};

}  // namespace weft::inline v0::detail
