/// \file   weft/sync/wait_group.hpp
/// \brief  Waits until a number of things, known or growing, are done.
#pragma once
#include <chrono>   // duration, time_point
#include <cstddef>  // ptrdiff_t
#include <cstdint>  // uintptr_t

#include <weft/base/atomic.hpp>       // atomic
#include <weft/base/config.hpp>       // WEFT_EXPORT
#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one

namespace weft::inline v0 {

namespace detail {
class waiter;
}

/// A count of things to wait for. Unlike a latch it may grow, and be used again once it was zero.
///
/// Threads:  all members may run at the same time, from fibers and OS threads; the destructor may not. An add() that
///           raises the count from zero must happen before the wait() that is meant to see it.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: what is sequenced before each done() happens-before the return of the wait() it counts down for.
/// Memory:   16 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as a wait has returned true, even while the last done() has not returned yet.
///           A wait whose time passed or that was stopped touches it until it returns.
class wait_group {
 public:
  constexpr wait_group() noexcept = default;
  /// \pre nobody waits (checked, also in release builds).
  ~wait_group() {
    // relaxed: whoever destroys it has synchronized with the last user already.
    if ((word_.load(detail::memory_order_relaxed) & (one - 1)) != 0) [[unlikely]]
      destroyed_in_use();
  }
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  /// `n` more to wait for; a negative `n` is that many done() at once. Never suspends.
  /// \pre the count does not go below zero or above 2^61 (checked).
  /// \par Cost  one compare-exchange; O(waiters) when the count becomes zero.
  WEFT_EXPORT void add(std::ptrdiff_t n = 1) noexcept;

  /// One less to wait for; the last one wakes all waiters. Never suspends.
  /// \pre the count is not zero (checked).
  void done() noexcept { add(-1); }

  /// Waits until the count is zero. A cancellation point if it has to wait; may let other fibers run if it has not.
  /// \throws weft::cancelled  the fiber was asked to stop before that.
  void wait() { wait_steady(std::chrono::steady_clock::time_point::max(), name); }

  /// As wait(), but gives up after `timeout` (not positive: polls).
  /// \return true: the count was zero, before or during the call; false: the time passed first.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> timeout) {
    return wait_steady(detail::deadline_after(timeout), name);
  }
  /// As wait(), but gives up at `until` (a past time polls).
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> until) {
    return detail::retry_until(until, [&](auto deadline) { return wait_steady(deadline, name); });
  }

 private:
  friend class latch;  // a count that only falls
  static constexpr std::uintptr_t waited_for = 2, one = 4;
  static constexpr std::ptrdiff_t largest_count = std::ptrdiff_t{1} << (sizeof(std::uintptr_t) * 8 - 3);
  static constexpr const char* name = "wait group";  // what dumps say
  constexpr explicit wait_group(std::ptrdiff_t count) noexcept : word_(static_cast<std::uintptr_t>(count) * one) {}
  WEFT_EXPORT bool is_zero() const noexcept;
  WEFT_EXPORT bool wait_steady(std::chrono::steady_clock::time_point deadline, const char* what);
  WEFT_EXPORT void done_and_wait(std::ptrdiff_t n, const char* what);
  bool park(detail::waiter& self, std::chrono::steady_clock::time_point deadline, const char* what);
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/wait_group.cpp
  detail::waiter* first_ = nullptr;         // head of the waiters, under the word's lock
};

}  // namespace weft::inline v0
