// How many connections the open files of a process are enough for.
#pragma once
#include <algorithm>  // max
#include <cstdint>    // uint64_t
#include <string>     // to_string

#include "common/failure.hpp"  // failure

namespace weft::tool {

// Descriptors of a server itself: standard streams, listener, folder, log, signals, two for each worker's poller, and some
// for what libraries may open.
constexpr std::uint64_t own_descriptors(unsigned workers) noexcept { return 48 + 4 * std::uint64_t{workers}; }

// A quarter of the rest is kept for the files that are being sent. So clients that only hold connections cannot keep others
// from being served: that takes a file on every third of them, and those are cut off by the idle limit if they do not read.
constexpr std::uint64_t connections_within(std::uint64_t descriptors, unsigned workers) noexcept {
  const std::uint64_t own = own_descriptors(workers);
  const std::uint64_t rest = descriptors > own ? descriptors - own : 0;
  return std::max<std::uint64_t>(1, rest - rest / 4);
}

// Connections of `each` descriptors and nothing else: as many as asked for, or, for 0, as there is room for.
// \throws failure: there is not enough room for what was asked.
inline std::uint64_t streams_within(std::uint64_t asked, unsigned each, std::uint64_t descriptors, unsigned workers) {
  const std::uint64_t own = own_descriptors(workers);
  if (asked == 0) {
    return std::max<std::uint64_t>(1, (descriptors > own ? descriptors - own : 0) / each);
  }
  if (const std::uint64_t needed = asked * each + own; needed > descriptors) {
    throw failure{"--max-connections " + std::to_string(asked) + " needs " + std::to_string(needed) +
                  " open files and the hard limit is " + std::to_string(descriptors) +
                  "; raise it ('ulimit -Hn', limits.conf, LimitNOFILE) or ask for fewer"};
  }
  return asked;
}

}  // namespace weft::tool
