// System calls of the echo servers and their load: a result, or the negative errno.
#pragma once
#include <cerrno>   // errno
#include <cstdio>   // fprintf
#include <cstdlib>  // exit
#include <cstring>  // strerror

namespace echo {

// Around one system call, on whose result it looks at once.
inline long told(long result) noexcept { return result < 0 ? -errno : result; }

// For calls without which there is nothing to measure.
inline int needed(long result, const char* what) {
  if (result < 0) {
    std::fprintf(stderr, "%s: %s\n", what, std::strerror(static_cast<int>(-result)));
    std::exit(1);
  }
  return static_cast<int>(result);
}

}  // namespace echo
