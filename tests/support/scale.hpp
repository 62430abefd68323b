// How much a stress test does: less where a sanitizer or an emulator makes each step cost ten times as much, more in a soak.
#pragma once
#include <algorithm>  // min
#include <cstddef>    // size_t
#include <cstdint>    // uint64_t
#include <cstdlib>    // getenv
#include <fstream>    // /proc/meminfo
#include <string>     // its words

#include "support/instrumented.hpp"  // instrumented, emulated

namespace weft::testing {

inline constexpr std::size_t slow_divisor = 10;
inline constexpr std::size_t soak_factor = 20;
// Of the seeds of a case, a million of which take a sanitizer days.
inline constexpr std::size_t soak_seed_factor = instrumented ? 100 : 1000;

inline bool soaking() {
  const char* const soak = std::getenv("WEFT_SOAK");
  return soak != nullptr && soak[0] == '1';
}

namespace detail_of_scale {
inline std::size_t scaled(std::size_t usual, std::size_t factor) {
  if (soaking()) {
    return usual * factor;
  }
  const std::size_t reduced = usual / slow_divisor;
  return !instrumented && !emulated ? usual : (reduced == 0 ? 1 : reduced);
}
}  // namespace detail_of_scale

// Environment variable WEFT_SOAK=1: twenty times as much, sanitizer or not.
inline std::size_t stress_count(std::size_t usual) { return detail_of_scale::scaled(usual, soak_factor); }

// Schedules of one case. Environment variable WEFT_SOAK=1: a thousand times as many, a hundred times under a sanitizer.
inline std::size_t seed_count(std::size_t usual) { return detail_of_scale::scaled(usual, soak_seed_factor); }

// Of `wanted` things of that size, as many as fit into a quarter of the machine's free memory: ctest runs other tests at
// the same time. All, where the system does not say what is free.
inline std::size_t fitting_count(std::size_t wanted, std::size_t bytes_each) {
  std::ifstream memory("/proc/meminfo");
  for (std::string word; memory >> word;) {
    if (word != "MemAvailable:") continue;
    std::uint64_t kib = 0;
    memory >> kib;
    return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kib * 1024 / 4 / bytes_each));
  }
  return wanted;
}

// Of `wanted` stacks at once, as many as fit into a gigabyte where pointers have 32 bits: that is half of what all stacks of a
// process may take, and tests before have left slabs of other sizes. With 64 bits all.
inline constexpr std::size_t default_stack = std::size_t{256} * 1024;
constexpr std::size_t stacks_with_room(std::size_t wanted, std::size_t stack_bytes = default_stack) {
  constexpr std::size_t room = std::size_t{1} << 30;
  return sizeof(void*) == 8 ? wanted : std::min(wanted, room / (stack_bytes + 4096));
}

}  // namespace weft::testing
