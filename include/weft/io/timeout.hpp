/// \file   weft/io/timeout.hpp
/// \brief  Lengths of time as nanoseconds, saturated. Private to weft.
#pragma once
#include <chrono>   // durations
#include <cstdint>  // int64_t
#include <limits>   // numeric_limits

#include <weft/base/config.hpp>  // inline namespace

namespace weft::inline v0::detail {

inline constexpr std::int64_t no_timeout_ns = std::numeric_limits<std::int64_t>::max();

/// Rounded up; too long to count: no limit; negative: zero.
template <class Rep, class Period>
constexpr std::int64_t timeout_ns(std::chrono::duration<Rep, Period> timeout) noexcept {
  using nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
  if (timeout <= std::chrono::duration<Rep, Period>::zero()) {
    return 0;
  }
  if (std::chrono::duration<long double>(timeout) >= std::chrono::duration<long double>(nanoseconds::max())) {
    return no_timeout_ns;
  }
  return std::chrono::ceil<nanoseconds>(timeout).count();
}

}  // namespace weft::inline v0::detail
