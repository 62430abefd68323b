/// \file   weft/sync/condition_variable.hpp
/// \brief  A condition variable for fibers and OS threads, with std::unique_lock<weft::mutex>.
#pragma once
#include <chrono>       // duration, time_point
#include <cstdint>      // uintptr_t
#include <mutex>        // unique_lock
#include <type_traits>  // is_same
#include <utility>      // move

#include <weft/base/atomic.hpp>       // atomic
#include <weft/base/config.hpp>       // WEFT_EXPORT
#include <weft/fiber/stop_token.hpp>  // stop_token
#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/mutex.hpp>        // mutex
#include <weft/sync/stop_wait.hpp>    // waits with a stop token

namespace weft::inline v0 {

enum class cv_status { no_timeout, timeout };

/// As std::condition_variable, between fibers of one or several runtimes and plain OS threads.
///
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: the mutex orders everything, as usual. notify_one() wakes the one who has waited longest; a waiter whose
///           time passed or that was asked to stop never uses up a notification.
/// Memory:   8 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as all waiters have been notified: a notified one never touches it again, neither
///           does the notifier that woke it. Unlike std, one whose time passed or that was stopped does, until its wait
///           returns.
/// Beyond std: a wait is a cancellation point. A stop ends it with weft::cancelled, thrown with the mutex locked again.
///           Locking again is none. The waits with a stop token are those of std::condition_variable_any.
/// Not here: native_handle(), there is none to give; notify_all_at_thread_exit().
class condition_variable {
 public:
  constexpr condition_variable() noexcept = default;
  /// \pre nobody waits un-notified (checked, also in release builds).
  ~condition_variable() {
    // relaxed: whoever destroys it has synchronized with the last user already.
    if (word_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  /// Wakes one waiter, if there is any. Never suspends. One load when there is none.
  WEFT_EXPORT void notify_one() noexcept;
  /// Wakes all who wait now. Never suspends. O(waiters); one load when there are none.
  WEFT_EXPORT void notify_all() noexcept;

  /// Unlocks, waits for a notification, locks again; may return without one. A cancellation point.
  /// \pre `lock` is locked (checked), by the caller, and all who wait use the same mutex.
  /// \throws weft::cancelled  with the mutex locked.
  void wait(std::unique_lock<mutex>& lock) { wait_steady(lock, std::chrono::steady_clock::time_point::max()); }
  /// Waits until `condition()` is true, which it looks at with the mutex locked.
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate condition) {
    while (!condition()) wait(lock);
  }

  /// \return cv_status::timeout: `until` passed.
  template <class Clock, class Duration>
  cv_status wait_until(std::unique_lock<mutex>& lock, std::chrono::time_point<Clock, Duration> until) {
    if (wait_steady(lock, detail::steady_deadline(until))) return cv_status::no_timeout;
    if constexpr (!std::is_same_v<Clock, std::chrono::steady_clock>) {
      if (!detail::has_passed(until))
        return cv_status::no_timeout;  // it was set back: the caller looks and waits again
    }
    return cv_status::timeout;
  }
  /// \return condition() at the end.
  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, std::chrono::time_point<Clock, Duration> until, Predicate condition) {
    while (!condition()) {
      if (wait_until(lock, until) == cv_status::timeout) return condition();
    }
    return true;
  }
  template <class Rep, class Period>
  cv_status wait_for(std::unique_lock<mutex>& lock, std::chrono::duration<Rep, Period> timeout) {
    return wait_until(lock, detail::deadline_after(timeout));
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, std::chrono::duration<Rep, Period> timeout, Predicate condition) {
    return wait_until(lock, detail::deadline_after(timeout), std::move(condition));
  }

  /// The same, ended also by `stop`, of any source: nothing is thrown then (with the fiber's own token, weft::cancelled is). Cost beyond the others': one
  /// registration for each time it goes to wait; no allocation.
  /// \return condition() at the end: false only if stop was requested, or the time passed.
  template <class Predicate>
  bool wait(std::unique_lock<mutex>& lock, stop_token stop, Predicate condition) {
    return detail::stop_wait::wait(*this, lock, stop, condition);
  }
  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, stop_token stop, std::chrono::time_point<Clock, Duration> until,
                  Predicate condition) {
    return detail::stop_wait::wait_until(*this, lock, stop, until, condition);
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, stop_token stop, std::chrono::duration<Rep, Period> timeout,
                Predicate condition) {
    return detail::stop_wait::wait_until(*this, lock, stop, detail::deadline_after(timeout), condition);
  }

 private:
  friend detail::stop_wait;
  /// \return false: the deadline passed
  WEFT_EXPORT bool wait_steady(std::unique_lock<mutex>& lock, std::chrono::steady_clock::time_point deadline);
  WEFT_EXPORT bool wait_steady(std::unique_lock<mutex>& lock, std::chrono::steady_clock::time_point deadline,
                               const stop_token& stop);
  template <class Park>
  bool wait_with(std::unique_lock<mutex>& lock, Park park);
  void notify(bool all) noexcept;
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/condition_variable.cpp
};

}  // namespace weft::inline v0
