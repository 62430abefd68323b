// fatal(): one report, then abort.
#include "base/check.hpp"

#include <cstdarg>   // va_list
#include <cstdio>    // vsnprintf
#include <cstdlib>   // abort
#include <unistd.h>  // write

#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail {
namespace {
atomic<describe_fn> describer{nullptr};
}

void set_fatal_describer(describe_fn fn) noexcept {
  describer.store(fn,
                  memory_order_relaxed);  // relaxed: a function pointer to immutable code, nothing is published with it
}

void fatal(const char* format, ...) noexcept {
  char text[640];
  constexpr unsigned limit = sizeof text;
  unsigned used = static_cast<unsigned>(std::snprintf(text, limit, "weft: fatal: "));
  va_list args;
  va_start(args, format);
  const int wrote = std::vsnprintf(text + used, 400, format, args);
  va_end(args);
  used += wrote < 0 ? 0U : (wrote < 400 ? static_cast<unsigned>(wrote) : 399U);
  if (const describe_fn fn = describer.load(memory_order_relaxed); fn != nullptr) {  // relaxed: see the store
    used += fn(text + used, limit - used - 1);
  }
  text[used++] = '\n';
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text, used);
  std::abort();
}

}  // namespace weft::inline v0::detail
