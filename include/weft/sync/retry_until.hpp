/// \file   weft/sync/retry_until.hpp
/// \brief  Waiting until a time of any clock, though only the steady one can be waited for. Private to weft.
#pragma once
#include <chrono>       // time_point
#include <type_traits>  // is_same

#include <weft/sched/time.hpp>  // has_passed, steady_deadline

namespace weft::inline v0::detail {

/// Calls `wait(steady deadline)` until it is true or `until` has passed on its own clock: that clock may be set back
/// during the wait.
template <class Clock, class Duration, class Wait>
bool retry_until(std::chrono::time_point<Clock, Duration> until, Wait wait) {
  for (;;) {
    if (wait(steady_deadline(until))) return true;
    if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
      return false;
    } else if (has_passed(until)) {
      return false;
    }
  }
}

}  // namespace weft::inline v0::detail
