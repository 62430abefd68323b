// What the tests of this layer share: classes by size, and facts about the process from /proc.
#pragma once
#include <gtest/gtest.h>

#include <cerrno>       // EFAULT
#include <cstdint>      // uintptr_t
#include <cstdlib>      // strtoul
#include <fstream>      // ifstream
#include <string>       // getline
#include <string_view>  // names

#include "stack/os.hpp"     // real_os
#include "stack/stack.hpp"  // stack_cache

namespace weft::testing {

inline constexpr unsigned class_16k = 0, class_64k = 2, class_256k = 4;

inline detail::stack* must_take(detail::stack_cache& cache, unsigned size_class = class_256k) {
  std::error_code error;
  detail::stack* const s = cache.take(size_class, error);
  EXPECT_NE(s, nullptr) << error.message();
  return s;
}

// Asks the kernel, not the layer: its lowest and highest guard page cannot be read.
inline bool guarded(const detail::stack& s) {
  return detail::real_os.read_by_kernel(s.slot) == EFAULT && detail::real_os.read_by_kernel(s.limit - 1) == EFAULT;
}

inline std::size_t count_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) {
    ++lines;
  }
  return lines;
}

// A figure of /proc/self/status, in bytes.
inline std::size_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name) && line[name.size()] == ':') {
      return std::strtoul(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
    }
  }
  ADD_FAILURE() << "no " << name << " in /proc/self/status";
  return 0;
}

inline std::size_t resident_with_tables() { return status_bytes("VmRSS") + status_bytes("VmPTE"); }

}  // namespace weft::testing
