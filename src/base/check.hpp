// Broken contracts: print what happened and abort. Checks stay on in release builds and never become assumptions.
#pragma once

namespace weft::inline v0::detail {

// Writes "weft: fatal: <what>" (and the current fiber's name, when the scheduler has installed a describer) to
// standard error with write(2) and aborts. Async-signal-safe. printf-like, at most 400 bytes.
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...) noexcept;

// Called by fatal() to append who was running: writes at most `size` bytes, returns how many. Set once by sched.
using describe_fn = unsigned (*)(char* out, unsigned size) noexcept;
void set_fatal_describer(describe_fn fn) noexcept;

#define WEFT_CHECK(condition, ...)        \
  do {                                    \
    if (!(condition)) [[unlikely]] {      \
      ::weft::detail::fatal(__VA_ARGS__); \
    }                                     \
  } while (false)

}  // namespace weft::inline v0::detail
