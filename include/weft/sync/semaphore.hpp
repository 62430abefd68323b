/// \file   weft/sync/semaphore.hpp
/// \brief  Counting and binary semaphores for fibers and OS threads.
#pragma once
#include <chrono>   // duration, time_point
#include <cstddef>  // ptrdiff_t
#include <cstdint>  // uintptr_t
#include <limits>   // numeric_limits

#include <weft/base/atomic.hpp>       // atomic
#include <weft/base/config.hpp>       // WEFT_EXPORT
#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one

namespace weft::inline v0 {

namespace detail {

/// What semaphores of all limits share: the word that is the count, or the waiters.
class semaphore_word {
 public:
  constexpr explicit semaphore_word(std::ptrdiff_t permits) noexcept : word_(of_count(permits)) {}
  /// \pre nobody waits (checked, also in release builds).
  ~semaphore_word() {
    // relaxed: whoever destroys it has synchronized with the last user already.
    if ((word_.load(memory_order_relaxed) & (queue_locked | waited_for)) != 0) [[unlikely]]
      destroyed_in_use();
  }
  semaphore_word(const semaphore_word&) = delete;
  semaphore_word& operator=(const semaphore_word&) = delete;

  WEFT_EXPORT void release(std::ptrdiff_t n, std::ptrdiff_t limit) noexcept;
  WEFT_EXPORT bool try_acquire() noexcept;
  WEFT_EXPORT bool acquire_steady(std::chrono::steady_clock::time_point deadline);

  /// Larger counts are kept as this one. The difference shows after 2^61 permits were taken: 70 years of one a nanosecond.
  /// A word of 32 bits has room for 2^29, which would show, so there no semaphore has a larger maximum.
  static constexpr std::uintptr_t most = std::uintptr_t{1} << (sizeof(std::uintptr_t) * 8 - 3);
  static constexpr std::ptrdiff_t largest_max =
      sizeof(std::uintptr_t) == 8 ? std::numeric_limits<std::ptrdiff_t>::max() : static_cast<std::ptrdiff_t>(most);
  static constexpr std::uintptr_t queue_locked = 1, waited_for = 2, one = 4;
  static constexpr std::uintptr_t of_count(std::ptrdiff_t n) noexcept {
    const auto count = static_cast<std::uintptr_t>(n);
    return (count < most ? count : most) * one;
  }

 private:
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  atomic<std::uintptr_t> word_;  ///< table in src/sync/semaphore.cpp
};

}  // namespace detail

/// As std::counting_semaphore.
///
/// Threads:  all members may run at the same time, from fibers and OS threads; the destructor may not.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: what is sequenced before release() happens-before the return of the acquires that get its permits, and of
///           those that get permits later.
/// Fairness: permits go to those who wait in the order of their arrival; nobody overtakes them. A wait that timed out or
///           was stopped uses up no permit.
/// Memory:   8 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as an acquire has returned, even while the release() that ended it has not
///           returned yet.
/// Beyond std: acquire() and its timed forms are cancellation points if they have to wait. A fiber that gets permits
///           without waiting, or looks for them in vain, lets others run now and then.
template <std::ptrdiff_t LeastMaxValue = detail::semaphore_word::largest_max>
class counting_semaphore {
  static_assert(LeastMaxValue >= 0 && LeastMaxValue <= detail::semaphore_word::largest_max);

 public:
  /// The most permits there may be.
  static constexpr std::ptrdiff_t max() noexcept { return LeastMaxValue; }

  /// \pre 0 <= permits <= max(). \pre of the destructor: nobody waits (checked, also in release builds).
  constexpr explicit counting_semaphore(std::ptrdiff_t permits) noexcept : word_(permits) {}

  /// `n` more permits; wakes those who can have one now. Never suspends.
  /// \pre 0 <= n, and there are no more than max() then (checked).
  /// \par Cost  one compare-exchange when nobody waits; else O(woken).
  void release(std::ptrdiff_t n = 1) noexcept { word_.release(n, LeastMaxValue); }

  /// Waits for a permit and takes it. A cancellation point if it has to wait.
  /// \throws weft::cancelled  the fiber was asked to stop before that; it has taken none.
  /// \par Cost  one compare-exchange when there is one.
  void acquire() { word_.acquire_steady(std::chrono::steady_clock::time_point::max()); }

  /// \return true: taken. Fails only when there is none. May let other fibers run.
  bool try_acquire() noexcept { return word_.try_acquire(); }

  /// As acquire(), but gives up after `timeout` (not positive: looks once).
  /// \return true: taken; false: the time passed first.
  template <class Rep, class Period>
  bool try_acquire_for(std::chrono::duration<Rep, Period> timeout) {
    return word_.acquire_steady(detail::deadline_after(timeout));
  }
  /// As acquire(), but gives up at `until` (a past time looks once).
  template <class Clock, class Duration>
  bool try_acquire_until(std::chrono::time_point<Clock, Duration> until) {
    return detail::retry_until(until, [&](auto deadline) { return word_.acquire_steady(deadline); });
  }

 private:
  detail::semaphore_word word_;
};

using binary_semaphore = counting_semaphore<1>;

}  // namespace weft::inline v0
