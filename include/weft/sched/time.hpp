/// \file   weft/sched/time.hpp
/// \brief  Durations to deadlines, without overflow.
#pragma once
#include <chrono>       // steady_clock
#include <type_traits>  // is_same

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

/// The runtime's clock: steady, or virtual under a test runtime.
WEFT_EXPORT std::chrono::steady_clock::time_point clock_now() noexcept;

/// Holds any time of any clock without overflow, and those of 64 bits in nanoseconds exactly.
using exact_duration = std::chrono::duration<long double, std::chrono::steady_clock::period>;

/// As std::chrono::ceil. \pre the steady clock's duration can hold it
template <class Rep, class Period>
std::chrono::steady_clock::duration ceil_steady(std::chrono::duration<Rep, Period> d) {
  using steady = std::chrono::steady_clock::duration;
  if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
    return std::chrono::ceil<steady>(exact_duration(d));  // in a coarser type rounding could go beyond the limit
  } else {
    return std::chrono::ceil<steady>(d);
  }
}

/// now + d, never early, saturated at the far end (which means: no deadline). No number at all counts as zero.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> d) {
  using std::chrono::steady_clock;
  const auto now = clock_now();
  if (!(d > std::chrono::duration<Rep, Period>::zero())) return now;
  if (exact_duration(d) >= exact_duration(steady_clock::time_point::max() - now))
    return steady_clock::time_point::max();
  return now + ceil_steady(d);
}

/// Whether `until` has passed on its own clock. No number at all has.
template <class Clock, class Duration>
bool has_passed(std::chrono::time_point<Clock, Duration> until) {
  return !(exact_duration(Clock::now().time_since_epoch()) < exact_duration(until.time_since_epoch()));
}

/// A deadline of any clock as one of the steady clock; saturated as deadline_after() is.
template <class Clock, class Duration>
std::chrono::steady_clock::time_point steady_deadline(std::chrono::time_point<Clock, Duration> until) {
  using std::chrono::steady_clock;
  if constexpr (std::is_same_v<std::chrono::time_point<Clock, Duration>, steady_clock::time_point>) {
    return until;
  } else {
    const exact_duration at(until.time_since_epoch());
    if constexpr (std::is_same_v<Clock, steady_clock>) {
      if (at >= exact_duration(steady_clock::duration::max())) return steady_clock::time_point::max();
      if (!(at > exact_duration(steady_clock::duration::min()))) return clock_now();
      return steady_clock::time_point(ceil_steady(until.time_since_epoch()));
    } else {
      return deadline_after(at - exact_duration(Clock::now().time_since_epoch()));
    }
  }
}

}  // namespace weft::inline v0::detail
