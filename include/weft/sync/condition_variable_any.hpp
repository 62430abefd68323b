/// \file   weft/sync/condition_variable_any.hpp
/// \brief  A condition variable for fibers and OS threads, with any lock.
#pragma once
#include <chrono>       // duration, time_point
#include <cstdint>      // uintptr_t
#include <type_traits>  // is_same
#include <utility>      // move

#include <weft/base/atomic.hpp>              // atomic
#include <weft/base/config.hpp>              // WEFT_EXPORT
#include <weft/fiber/stop_token.hpp>         // stop_token
#include <weft/sched/time.hpp>               // deadlines
#include <weft/sync/condition_variable.hpp>  // cv_status
#include <weft/sync/stop_wait.hpp>           // waits with a stop token

namespace weft::inline v0 {

namespace detail {

/// A lock of any type. Neither function may throw; both may suspend.
struct any_lock {
  void* object;
  void (*lock)(void*) noexcept;
  void (*unlock)(void*) noexcept;
};

}  // namespace detail

/// As std::condition_variable_any, between fibers of one or several runtimes and plain OS threads. `Lock` is any type
/// with lock() and unlock(): std::unique_lock, std::shared_lock, a mutex itself. Those who wait together must exclude the
/// notifier's change of the condition by it, as usual.
///
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel. The lock's own
///           functions may suspend, too. A lock that blocks its thread (std::mutex) must not be waited for by fibers of
///           the worker that holds it.
/// Ordering: the lock orders everything. notify_one() wakes the one who has waited longest; a waiter whose time passed or
///           that was asked to stop never uses up a notification.
/// Memory:   8 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as all waiters have been notified: a notified one never touches it again, neither
///           does the notifier that woke it. (One whose time passed or that was stopped does, until its wait returns.)
/// Beyond std: a wait is a cancellation point. A stop ends it with weft::cancelled, thrown with the lock locked again.
///           Locking again is none, whatever the lock: it runs under a cancel_shield. If it throws, the program ends, as
///           in std; so it does if unlock() throws.
class condition_variable_any {
 public:
  constexpr condition_variable_any() noexcept = default;
  /// \pre nobody waits un-notified (checked, also in release builds).
  ~condition_variable_any() {
    // relaxed: whoever destroys it has synchronized with the last user already.
    if (word_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }
  condition_variable_any(const condition_variable_any&) = delete;
  condition_variable_any& operator=(const condition_variable_any&) = delete;

  /// Wakes one waiter, if there is any. Never suspends. One load when there is none.
  WEFT_EXPORT void notify_one() noexcept;
  /// Wakes all who wait now. Never suspends. O(waiters); one load when there are none.
  WEFT_EXPORT void notify_all() noexcept;

  /// Unlocks, waits for a notification, locks again; may return without one. A cancellation point.
  /// \pre `lock` is locked by the caller.
  /// \throws weft::cancelled  with `lock` locked.
  template <class Lock>
  void wait(Lock& lock) {
    wait_steady(erase(lock), std::chrono::steady_clock::time_point::max());
  }
  /// Waits until `condition()` is true, which it looks at with `lock` locked.
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate condition) {
    while (!condition()) wait(lock);
  }

  /// \return cv_status::timeout: `until` passed.
  template <class Lock, class Clock, class Duration>
  cv_status wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> until) {
    if (wait_steady(erase(lock), detail::steady_deadline(until))) return cv_status::no_timeout;
    if constexpr (!std::is_same_v<Clock, std::chrono::steady_clock>) {
      if (!detail::has_passed(until))
        return cv_status::no_timeout;  // it was set back: the caller looks and waits again
    }
    return cv_status::timeout;
  }
  /// \return condition() at the end.
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> until, Predicate condition) {
    while (!condition()) {
      if (wait_until(lock, until) == cv_status::timeout) return condition();
    }
    return true;
  }
  template <class Lock, class Rep, class Period>
  cv_status wait_for(Lock& lock, std::chrono::duration<Rep, Period> timeout) {
    return wait_until(lock, detail::deadline_after(timeout));
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> timeout, Predicate condition) {
    return wait_until(lock, detail::deadline_after(timeout), std::move(condition));
  }

  /// The same, ended also by `stop`, of any source: nothing is thrown then (with the fiber's own token, weft::cancelled
  /// is). `lock` is locked whenever `condition` is asked and at the end. Whoever requests the stop may hold it. Cost
  /// beyond the others': one registration for each time it goes to wait; no allocation.
  /// \return condition() at the end: false only if stop was requested, or the time passed.
  template <class Lock, class Predicate>
  bool wait(Lock& lock, stop_token stop, Predicate condition) {
    return detail::stop_wait::wait(*this, lock, stop, condition);
  }
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, stop_token stop, std::chrono::time_point<Clock, Duration> until, Predicate condition) {
    return detail::stop_wait::wait_until(*this, lock, stop, until, condition);
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, stop_token stop, std::chrono::duration<Rep, Period> timeout, Predicate condition) {
    return detail::stop_wait::wait_until(*this, lock, stop, detail::deadline_after(timeout), condition);
  }

 private:
  friend detail::stop_wait;
  template <class Lock>
  static detail::any_lock erase(Lock& lock) noexcept {
    return {&lock, [](void* l) noexcept { static_cast<Lock*>(l)->lock(); },
            [](void* l) noexcept { static_cast<Lock*>(l)->unlock(); }};
  }
  /// \return false: the deadline passed
  WEFT_EXPORT bool wait_steady(detail::any_lock lock, std::chrono::steady_clock::time_point deadline);
  WEFT_EXPORT bool wait_steady(detail::any_lock lock, std::chrono::steady_clock::time_point deadline,
                               const stop_token& stop);
  template <class Lock>
  bool wait_steady(Lock& lock, std::chrono::steady_clock::time_point deadline, const stop_token& stop) {
    return wait_steady(erase(lock), deadline, stop);
  }
  template <class Park>
  bool wait_with(detail::any_lock lock, Park park);
  void notify(bool all) noexcept;
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/condition_variable_any.cpp
};

}  // namespace weft::inline v0
