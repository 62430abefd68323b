// Quantiles of a histogram.
#include "load/latency.hpp"

#include <algorithm>  // clamp, min
#include <cmath>      // ceil

namespace weft::tool {

std::uint64_t latency_summary::quantile(double part) const noexcept {
  if (recorded == 0) {
    return 0;
  }
  const double wanted = std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(recorded));
  const auto rank = wanted < 1 ? std::uint64_t{1} : static_cast<std::uint64_t>(wanted);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) {
      return std::min(latency_buckets::highest(i), highest);
    }
  }
  return highest;
}

}  // namespace weft::tool
