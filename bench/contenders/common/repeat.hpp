// Calibration of workloads that repeat: four times as many operations until a call lasts long enough. What has been
// called before is the warm-up, and the first call is never more than that: it meets memory that is new.
#pragma once
#include <algorithm>  // max
#include <cstddef>    // size_t
#include <cstdint>    // uint64_t

#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders {

// What a call measured: it may have done more operations than it was asked for, when they come in batches.
struct timed {
  double ns;
  std::uint64_t operations;
};

constexpr std::uint64_t first_operations = 1000;

// `measure(std::uint64_t n) -> timed` does at least n operations and says how long they took, set-up excluded.
// \param size what the workload calls its size, where n must not be less
template <class Measure>
timed calibrate(const options& o, std::size_t size, Measure&& measure) {
  const std::uint64_t first = std::max<std::uint64_t>(first_operations, size);
  for (std::uint64_t n = first;; n *= 4) {
    const timed result = measure(n);
    if (n > first && result.ns >= o.least_ns()) return result;
  }
}

inline figures per_operation(const timed& t) {
  return {{"ns", t.ns / static_cast<double>(t.operations)}, {"operations", static_cast<double>(t.operations)}};
}

template <class Measure>
figures repeat(const options& o, std::size_t size, Measure&& measure) {
  return per_operation(calibrate(o, size, measure));
}

// How many batches of `size` make at least `n` operations.
constexpr std::uint64_t batches(std::uint64_t n, std::size_t size) { return (n + size - 1) / size; }

}  // namespace contenders
