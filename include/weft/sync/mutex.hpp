/// \file   weft/sync/mutex.hpp
/// \brief  A mutex for fibers and OS threads.
#pragma once
#include <chrono>   // time_point
#include <cstdint>  // uintptr_t
#include <mutex>    // lock_guard, unique_lock, scoped_lock: what users lock it with

#include <weft/base/atomic.hpp>        // atomic
#include <weft/base/debug_checks.hpp>  // debug_checks
#include <weft/base/config.hpp>        // WEFT_EXPORT

namespace weft::inline v0 {

namespace detail {
class waiter;
enum class point : bool;
}  // namespace detail

/// As std::mutex; works in std::lock_guard, std::unique_lock, std::scoped_lock and std::lock.
///
/// Threads:  fibers of one or several runtimes and plain OS threads may use one mutex at the same time.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel. The holder may
///           suspend while it holds the mutex.
/// Ordering: unlock() happens-before the return of the next lock() or successful try_lock().
/// Fairness: a newcomer may overtake those who wait. The first of them is handed the mutex by the next unlock() when it
///           has waited for a millisecond, or has been woken in vain a few times, or overtaken a few thousand times.
///           Waiters get it in the order of their arrival.
/// Memory:   8 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as the last lock() has been matched, even while the unlock() before that one has
///           not returned yet.
/// Not here: native_handle(), there is none to give.
class mutex {
 public:
  constexpr mutex() noexcept = default;
  /// \pre not locked, nobody waits (checked, also in release builds).
  ~mutex() {
    // relaxed: whoever destroys it has synchronized with the last unlock() already.
    if (word_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Waits until the mutex is free and takes it. Not a cancellation point.
  /// \pre the caller does not hold it (it would wait for itself for ever; aborts with debug checks).
  /// \par Cost    one compare-exchange when it is free.
  /// \par Errors  std::bad_alloc: a plain thread's very first wait found no memory.
  void lock() {
    if (!take_if_free()) [[unlikely]]
      lock_slow();
  }

  /// \return true: taken. Fails only when it is locked. A failure draws on the fiber's budget of operations that do not
  /// wait: after 128 of them the fiber yields once, so that a loop around try_lock() lets the holder run.
  bool try_lock() { return take_if_free() || try_lock_slow(); }

  /// \pre the caller has locked it (that somebody has is checked; that the caller has, with debug checks). Never suspends.
  /// \par Cost    one compare-exchange when nobody waits.
  void unlock() noexcept {
    if (detail::debug_checks()) [[unlikely]]
      forget_owner();
    release();
  }

 private:
  friend class timed_mutex;
  static constexpr std::uintptr_t locked = 2;
  bool take_if_free() noexcept {
    std::uintptr_t free = 0;
    // Acquire pairs with unlock(). Failure relaxed: looked at again by the slow way.
    const bool taken =
        word_.compare_exchange_strong(free, locked, detail::memory_order_acquire, detail::memory_order_relaxed);
    if (detail::debug_checks() && taken) [[unlikely]]
      note_owner();
    return taken;
  }
  void release() noexcept {
    std::uintptr_t mine = locked;
    // Release pairs with lock(). Failure relaxed: looked at again by unlock_slow().
    if (!word_.compare_exchange_strong(mine, 0, detail::memory_order_release, detail::memory_order_relaxed))
        [[unlikely]] {
      unlock_slow();
    }
  }
  // Debug checks only: src/sync/lock_owners.hpp.
  WEFT_EXPORT void note_owner() noexcept;
  WEFT_EXPORT void forget_owner() noexcept;
  void check_before_lock() const noexcept;

  WEFT_EXPORT void lock_slow();
  WEFT_EXPORT bool try_lock_slow();
  WEFT_EXPORT bool try_lock_until_slow(std::chrono::steady_clock::time_point deadline);
  bool lock_steady(std::chrono::steady_clock::time_point deadline, detail::point p);
  bool leave(detail::waiter& self) noexcept;
  WEFT_EXPORT void unlock_slow() noexcept;
  std::uintptr_t take_or_lock_queue(std::uintptr_t also) noexcept;
  bool spin_for() noexcept;
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/mutex.cpp
};

}  // namespace weft::inline v0
