/// \file   weft/sync/stop_wait.hpp
/// \brief  Waits of condition variables that a stop token ends, too. Private to weft.
#pragma once
#include <chrono>       // time_point
#include <type_traits>  // is_same

#include <weft/fiber/stop_token.hpp>  // stop_token
#include <weft/sched/time.hpp>        // has_passed, steady_deadline

namespace weft::inline v0::detail {

/// The loop of std's interruptible waits. What it needs of a condition variable is
///
///     bool wait_steady(Lock&, steady_clock::time_point deadline, const stop_token& stop)
///
/// which is its wait with one way more to end: it returns, true and with the lock taken, when `stop` was requested before
/// or during the wait (src/sync/stop_wake.hpp), and false when the deadline passed. The class lets stop_wait in:
/// `friend detail::stop_wait;`
struct stop_wait {
  /// \return condition() at the end
  template <class Variable, class Lock, class Predicate>
  static bool wait(Variable& variable, Lock& lock, const stop_token& stop, Predicate& condition) {
    while (!stop.stop_requested()) {
      if (condition()) return true;
      static_cast<void>(variable.wait_steady(lock, std::chrono::steady_clock::time_point::max(), stop));
    }
    return condition();
  }
  template <class Variable, class Lock, class Clock, class Duration, class Predicate>
  static bool wait_until(Variable& variable, Lock& lock, const stop_token& stop,
                         std::chrono::time_point<Clock, Duration> until, Predicate& condition) {
    while (!stop.stop_requested()) {
      if (condition()) return true;
      if (variable.wait_steady(lock, steady_deadline(until), stop)) continue;
      // Another clock than the steady one may have been set back.
      if (std::is_same_v<Clock, std::chrono::steady_clock> || has_passed(until)) return condition();
    }
    return condition();
  }
};

}  // namespace weft::inline v0::detail
