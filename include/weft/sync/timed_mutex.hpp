/// \file   weft/sync/timed_mutex.hpp
/// \brief  A mutex that can be waited for until a deadline.
#pragma once
#include <chrono>  // duration, time_point

#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/mutex.hpp>        // mutex
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one

namespace weft::inline v0 {

/// As std::timed_mutex. Threads, blocking, ordering, fairness, memory (8 bytes) and life as weft::mutex.
///
/// Beyond std: a timed lock is a cancellation point if it has to wait; lock() is none.
/// Not here: native_handle(), there is none to give.
class timed_mutex {
 public:
  constexpr timed_mutex() noexcept = default;  ///< the destructor checks that it is not locked and nobody waits
  timed_mutex(const timed_mutex&) = delete;
  timed_mutex& operator=(const timed_mutex&) = delete;

  void lock() { inner_.lock(); }                 ///< as mutex::lock()
  bool try_lock() { return inner_.try_lock(); }  ///< as mutex::try_lock()
  void unlock() noexcept { inner_.unlock(); }    ///< as mutex::unlock()

  /// As lock(), but gives up after `timeout` (not positive: looks once). A waiter that gave up passes nothing over and
  /// leaves no trace: a wake-up meant for it goes to the next one.
  /// \return true: locked; false: the time passed first.
  /// \throws weft::cancelled  the fiber was asked to stop before that; it does not hold the mutex.
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

 private:
  mutex inner_;
};

}  // namespace weft::inline v0
