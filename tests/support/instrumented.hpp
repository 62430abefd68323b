// Whether a sanitizer slows this build down and moves memory about: tests then use smaller counts and leave out what
// measures memory or limits the address space.
#pragma once
#include "context/sanitizer.hpp"  // WEFT_WITH_ASAN, WEFT_WITH_TSAN

namespace weft::testing {
#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_TSAN)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif

// For what ThreadSanitizer alone cannot run.
#if defined(WEFT_WITH_TSAN)
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif
}  // namespace weft::testing
