/// \file   weft/sync/event.hpp
/// \brief  A flag that fibers and OS threads can wait for.
#pragma once
#include <chrono>   // duration, time_point
#include <cstdint>  // uintptr_t

#include <weft/base/atomic.hpp>       // atomic
#include <weft/base/config.hpp>       // WEFT_EXPORT
#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one

namespace weft::inline v0 {

/// Manual-reset event.
///
/// Threads:  all members may run at the same time, from fibers and OS threads; the destructor may not.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: what is sequenced before set() happens-before the return of every wait() it lets through, and of a reset()
///           that clears it.
/// Memory:   8 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as a wait has returned, even while the set() that ended it has not returned yet.
///           A wait whose time passed or that was stopped touches it until it returns.
class event {
 public:
  constexpr event() noexcept = default;
  /// \pre nobody waits (checked, also in release builds).
  ~event() {
    // relaxed: whoever destroys it has synchronized with the last user already.
    if ((word_.load(detail::memory_order_relaxed) & ~flag) != 0) [[unlikely]]
      destroyed_in_use();
  }
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  /// Wakes all current waiters, in the order of their arrival; later waits return at once until reset().
  /// \par Cost    O(waiters); one atomic read-modify-write when there are none.
  /// \par Errors  none. Never suspends. Not async-signal-safe.
  WEFT_EXPORT void set() noexcept;

  /// Makes later waits block again; waiters already woken stay woken. O(1), never suspends.
  WEFT_EXPORT void reset() noexcept;

  [[nodiscard]] bool is_set() const noexcept {
    return (word_.load(detail::memory_order_acquire) & flag) != 0;  // pairs with set()
  }

  /// Waits until the event is set. A cancellation point if it has to wait; may let other fibers run if it has not.
  /// \throws weft::cancelled  the fiber was asked to stop before the event was set.
  void wait() { wait_steady(std::chrono::steady_clock::time_point::max()); }

  /// As wait(), but gives up after `timeout` (not positive: polls).
  /// \return true: set, before or during the call; false: the time passed first.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> timeout) {
    return wait_steady(detail::deadline_after(timeout));
  }
  /// As wait(), but gives up at `until` (a past time polls).
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> until) {
    return detail::retry_until(until, [&](auto deadline) { return wait_steady(deadline); });
  }

 private:
  static constexpr std::uintptr_t flag = 2;
  WEFT_EXPORT bool wait_steady(std::chrono::steady_clock::time_point deadline);
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/event.cpp
};

}  // namespace weft::inline v0
