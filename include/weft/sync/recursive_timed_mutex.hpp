/// \file   weft/sync/recursive_timed_mutex.hpp
/// \brief  A mutex that its holder may lock again, and that can be waited for until a deadline.
#pragma once
#include <chrono>  // duration, time_point

#include <weft/sync/recursive_mutex.hpp>  // recursive_over
#include <weft/sync/timed_mutex.hpp>      // timed_mutex

namespace weft::inline v0 {

/// As std::recursive_timed_mutex; what it shares with weft::recursive_mutex is as there.
///
/// Beyond std: a timed lock is a cancellation point if it has to wait; lock() is none.
/// Not here: native_handle(), there is none to give.
class recursive_timed_mutex : public detail::recursive_over<timed_mutex> {
 public:
  /// As lock(), but gives up after `timeout` (not positive: looks once). \return true: taken, once more if the caller
  /// holds it. False: the time passed first, or the caller holds it 2^24 - 1 times.
  /// \throws weft::cancelled  the fiber was asked to stop while it had to wait; it has not taken it.
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> timeout) {
    return this->try_with([&] { return this->inner_.try_lock_for(timeout); });
  }
  /// As try_lock_for(), until a time of any clock (a past one looks once).
  template <class Clock, class Duration>
  bool try_lock_until(std::chrono::time_point<Clock, Duration> until) {
    return this->try_with([&] { return this->inner_.try_lock_until(until); });
  }
};

}  // namespace weft::inline v0
