/// \file   weft/sched/time.hpp
/// \brief  Durations to deadlines, without overflow.
#pragma once
#include <chrono>       // steady_clock
#include <type_traits>  // is_same

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

/// The runtime's clock: steady, or virtual under a test runtime.
WEFT_EXPORT std::chrono::steady_clock::time_point clock_now() noexcept;

/// now + d, never early, saturated at the far end (which means: no deadline).
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> d) {
  using std::chrono::steady_clock;
  const auto now = clock_now();
  if (d <= std::chrono::duration<Rep, Period>::zero()) return now;
  const std::chrono::duration<long double> left = steady_clock::time_point::max() - now;
  if (std::chrono::duration<long double>(d) >= left) return steady_clock::time_point::max();
  return now + std::chrono::ceil<steady_clock::duration>(d);
}

/// A deadline of any clock as one of the steady clock.
template <class Clock, class Duration>
std::chrono::steady_clock::time_point steady_deadline(std::chrono::time_point<Clock, Duration> until) {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return std::chrono::ceil<std::chrono::steady_clock::duration>(until);
  } else {
    const auto now = Clock::now();
    return until <= now ? clock_now() : deadline_after(until - now);  // a difference of far apart times may overflow
  }
}

}  // namespace weft::inline v0::detail
