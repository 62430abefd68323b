/// \file   weft/sync/shared_timed_mutex.hpp
/// \brief  A readers-writer lock that can be waited for until a deadline.
#pragma once
#include <chrono>  // duration, time_point

#include <weft/sched/time.hpp>         // deadlines
#include <weft/sync/retry_until.hpp>   // clocks other than the steady one
#include <weft/sync/shared_mutex.hpp>  // shared_mutex

namespace weft::inline v0 {

/// As std::shared_timed_mutex. Threads, blocking, ordering, fairness, memory (16 bytes) and life as weft::shared_mutex.
///
/// Beyond std: a timed lock is a cancellation point if it has to wait; lock() and lock_shared() are none.
/// Not here: native_handle(), there is none to give.
class shared_timed_mutex {
 public:
  constexpr shared_timed_mutex() noexcept = default;  ///< the destructor checks that it is free and nobody waits
  shared_timed_mutex(const shared_timed_mutex&) = delete;
  shared_timed_mutex& operator=(const shared_timed_mutex&) = delete;

  /// All as in shared_mutex.
  void lock() { inner_.lock(); }
  bool try_lock() { return inner_.try_lock(); }
  void unlock() noexcept { inner_.unlock(); }
  void lock_shared() { inner_.lock_shared(); }
  bool try_lock_shared() { return inner_.try_lock_shared(); }
  void unlock_shared() noexcept { inner_.unlock_shared(); }

  /// As lock(), but gives up after `timeout` (not positive: looks once). A writer that gave up lets in the readers that
  /// waited behind it.
  /// \return true: locked; false: the time passed first.
  /// \throws weft::cancelled  the fiber was asked to stop before that; it does not hold the lock.
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> timeout) {
    return inner_.take_if_free() || inner_.try_lock_until_slow(detail::deadline_after(timeout));
  }
  /// As try_lock_for(), until a time of any clock (a past one looks once).
  template <class Clock, class Duration>
  bool try_lock_until(std::chrono::time_point<Clock, Duration> until) {
    return inner_.take_if_free() ||
           detail::retry_until(until, [&](auto deadline) { return inner_.try_lock_until_slow(deadline); });
  }

  /// As lock_shared(), but gives up after `timeout`; results and errors as try_lock_for().
  template <class Rep, class Period>
  bool try_lock_shared_for(std::chrono::duration<Rep, Period> timeout) {
    return inner_.join_readers() || inner_.try_lock_shared_until_slow(detail::deadline_after(timeout));
  }
  template <class Clock, class Duration>
  bool try_lock_shared_until(std::chrono::time_point<Clock, Duration> until) {
    return inner_.join_readers() ||
           detail::retry_until(until, [&](auto deadline) { return inner_.try_lock_shared_until_slow(deadline); });
  }

 private:
  shared_mutex inner_;
};

}  // namespace weft::inline v0
