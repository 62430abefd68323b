// getrlimit and getrusage, in units that need no explanation.
#include "common/process_limits.hpp"

#include <sys/resource.h>  // getrlimit, setrlimit, getrusage

namespace weft::tool {

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;  // cannot happen with a valid resource; 0 makes every check against it fail loudly
  }
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return before;  // the hard limit is above what the kernel allows now; the old one still holds
  }
  return limit.rlim_cur;
}

std::uint64_t peak_resident_bytes() noexcept {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) {
    return 0;
  }
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024U;
}

}  // namespace weft::tool
