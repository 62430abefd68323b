// How many connections the open files of a process are enough for.
#pragma once
#include <algorithm>  // max
#include <cstdint>    // uint64_t

namespace weft::tool {

// Descriptors of the server itself: standard streams, listener, folder, log, signals, two for each worker's poller, and some
// for what libraries may open.
constexpr std::uint64_t own_descriptors(unsigned workers) noexcept { return 48 + 4 * std::uint64_t{workers}; }

// A quarter of the rest is kept for the files that are being sent. So clients that only hold connections cannot keep others
// from being served: that takes a file on every third of them, and those are cut off by the idle limit if they do not read.
constexpr std::uint64_t connections_within(std::uint64_t descriptors, unsigned workers) noexcept {
  const std::uint64_t own = own_descriptors(workers);
  const std::uint64_t rest = descriptors > own ? descriptors - own : 0;
  return std::max<std::uint64_t>(1, rest - rest / 4);
}

}  // namespace weft::tool
