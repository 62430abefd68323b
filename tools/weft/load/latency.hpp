// Latencies in logarithmic buckets: 64 to every power of two, so that any quantile is known to 1.6% from nanoseconds to
// centuries in 30 KiB, and recording is one addition.
#pragma once
#include <array>    // array
#include <bit>      // bit_width
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t

namespace weft::tool {

struct latency_buckets {
  static constexpr unsigned precision_bits = 6;
  static constexpr std::uint64_t linear = 2ULL << precision_bits;  // below, buckets are one wide
  static constexpr std::size_t count = ((64 - precision_bits - 1) << precision_bits) + linear;

  static constexpr std::size_t index(std::uint64_t value) noexcept {
    if (value < linear) {
      return static_cast<std::size_t>(value);
    }
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
    return (static_cast<std::size_t>(shift) << precision_bits) + static_cast<std::size_t>(value >> shift);
  }
  // The largest value that falls into the bucket.
  static constexpr std::uint64_t highest(std::size_t bucket) noexcept {
    if (bucket < linear) {
      return bucket;
    }
    const auto shift = static_cast<unsigned>(bucket >> precision_bits) - 1;
    const std::uint64_t base = (bucket & ((1ULL << precision_bits) - 1)) | (1ULL << precision_bits);
    return ((base + 1) << shift) - 1;
  }
};
static_assert(latency_buckets::index(~0ULL) == latency_buckets::count - 1);
static_assert(latency_buckets::highest(latency_buckets::index(~0ULL)) == ~0ULL);
static_assert(latency_buckets::index(128) == 128 && latency_buckets::highest(128) == 129);

// A finished histogram.
struct latency_summary {
  std::array<std::uint64_t, latency_buckets::count> buckets{};
  std::uint64_t recorded = 0;
  std::uint64_t highest = 0;  // exact
  std::uint64_t sum = 0;

  // The value that `part` (0 to 1) of all latencies do not pass, 0 when there are none.
  std::uint64_t quantile(double part) const noexcept;
  double mean() const noexcept { return recorded == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(recorded); }
};

}  // namespace weft::tool
