/// \file   weft/sync/latch.hpp
/// \brief  A count down to zero that fibers and OS threads can wait for, once.
#pragma once
#include <chrono>   // duration, time_point
#include <cstddef>  // ptrdiff_t

#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one
#include <weft/sync/wait_group.hpp>   // the count

namespace weft::inline v0 {

/// As std::latch.
///
/// Threads:  all members may run at the same time, from fibers and OS threads; the destructor may not.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: what is sequenced before each count_down() happens-before the return of every wait() that sees zero.
/// Memory:   16 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as a wait has returned, even while a count_down(), or the arrive_and_wait() of
///           another, has not returned yet. A wait whose time passed or that was stopped touches it until it returns.
/// Beyond std: waits are cancellation points if they have to wait, and have timed forms.
class latch {
 public:
  /// The largest count.
  static constexpr std::ptrdiff_t max() noexcept { return wait_group::largest_count; }

  /// \pre 0 <= expected <= max(). \pre of the destructor: nobody waits (checked, also in release builds).
  constexpr explicit latch(std::ptrdiff_t expected) noexcept : count_(expected) {}
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  /// Never suspends. \pre 0 <= n <= what is left of the count (checked).
  /// \par Cost  one compare-exchange; O(waiters) when the count becomes zero.
  void count_down(std::ptrdiff_t n = 1) noexcept { count_.add(-n); }

  /// \return whether the count is zero. May let other fibers run.
  bool try_wait() const noexcept { return count_.is_zero(); }

  /// Waits until the count is zero. A cancellation point if it has to wait.
  /// \throws weft::cancelled  the fiber was asked to stop before that.
  void wait() const { count_.wait_steady(std::chrono::steady_clock::time_point::max(), name); }

  /// As wait(), but gives up after `timeout` (not positive: polls). \return true: the count is zero.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
    return count_.wait_steady(detail::deadline_after(timeout), name);
  }
  /// As wait(), but gives up at `until` (a past time polls).
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> until) const {
    return detail::retry_until(until, [&](auto deadline) { return count_.wait_steady(deadline, name); });
  }

  /// count_down(n), then wait(). A cancelled one has counted down nevertheless: the others do not wait for it.
  /// \throws weft::cancelled  as wait(); not when its own count_down(n) was the last.
  void arrive_and_wait(std::ptrdiff_t n = 1) { count_.done_and_wait(n, name); }

 private:
  static constexpr const char* name = "latch";  // what dumps say
  mutable wait_group count_;
};

}  // namespace weft::inline v0
