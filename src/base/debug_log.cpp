// WEFT_LOG is looked at once, when the first remark is made.
#include "base/debug_log.hpp"

#include <cstdarg>  // va_list
#include <cstdio>   // fprintf, vsnprintf
#include <cstdlib>  // getenv
#include <cstring>  // strcmp

namespace weft::inline v0::detail {
namespace {

bool wanted() noexcept {
  static const bool on = [] {
    const char* v = std::getenv("WEFT_LOG");
    return v != nullptr && std::strcmp(v, "debug") == 0;
  }();
  return on;
}

}  // namespace

void debug_log(const char* format, ...) noexcept {
  if (!wanted()) {
    return;
  }
  char line[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "weft: %s\n", line);  // one call, one line: several threads may log
}

}  // namespace weft::inline v0::detail
