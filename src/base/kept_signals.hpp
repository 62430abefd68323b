// Signals under ThreadSanitizer. It calls a handler at once only where the thread waits in a function that it intercepts;
// else it keeps the signal until the thread calls one. A system call made directly is no such function: a thread that
// waits in one for good would never call the handler. So it waits for a while only, and then asks for what is kept.
// Nothing here does anything without ThreadSanitizer.
#pragma once
#include <algorithm>  // min
#include <chrono>     // steady_clock
#include <cstdint>    // int64_t

#include <unistd.h>  // usleep

#include <weft/base/with_sanitizers.hpp>

namespace weft::inline v0::detail {

#if defined(WEFT_WITH_TSAN)

inline constexpr std::chrono::milliseconds longest_direct_wait{50};

// Until when a system call made directly may wait at most. Its caller then waits again.
inline std::chrono::steady_clock::time_point direct_wait_until(std::chrono::steady_clock::time_point wanted) noexcept {
  return std::min(wanted, std::chrono::steady_clock::now() + longest_direct_wait);
}
// The same as a length; negative: without end.
inline std::int64_t direct_wait_ns(std::int64_t wanted_ns) noexcept {
  constexpr std::int64_t longest_ns = std::chrono::nanoseconds(longest_direct_wait).count();
  return wanted_ns < 0 ? longest_ns : std::min(wanted_ns, longest_ns);
}
// After such a call.
inline void call_kept_handlers() noexcept {
  ::usleep(0);  // one of the functions that are intercepted, and no more than that
}

#else

inline std::chrono::steady_clock::time_point direct_wait_until(std::chrono::steady_clock::time_point wanted) noexcept {
  return wanted;
}
inline std::int64_t direct_wait_ns(std::int64_t wanted_ns) noexcept { return wanted_ns; }
inline void call_kept_handlers() noexcept {}

#endif

}  // namespace weft::inline v0::detail
