// What the tests of this layer share: classes by size, and facts about the process from /proc.
#pragma once
#include <gtest/gtest.h>

#include <cerrno>       // EFAULT
#include <cstdint>      // uintptr_t
#include <cstdlib>      // strtoul
#include <fstream>      // ifstream
#include <string>       // getline
#include <string_view>  // names
#include <vector>       // several stacks

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

inline std::vector<detail::stack*> take_some(detail::stack_cache& cache, std::size_t n,
                                             unsigned size_class = class_256k) {
  std::vector<detail::stack*> all(n);
  for (detail::stack*& s : all) {
    s = must_take(cache, size_class);
  }
  return all;
}

inline void put_all(detail::stack_cache& cache, const std::vector<detail::stack*>& all) {
  for (detail::stack* const s : all) {
    cache.put(s);
  }
}

inline unsigned system_calls = 0;  // made by the layer while `counting` is installed
inline const detail::os_calls counting = {.map =
                                              [](std::size_t n, int p, void*& out) noexcept {
                                                ++system_calls;
                                                return detail::real_os.map(n, p, out);
                                              },
                                          .unmap =
                                              [](void* at, std::size_t n) noexcept {
                                                ++system_calls;
                                                return detail::real_os.unmap(at, n);
                                              },
                                          .remap = detail::real_os.remap,  // timers only
                                          .protect =
                                              [](void* at, std::size_t n, int p) noexcept {
                                                ++system_calls;
                                                return detail::real_os.protect(at, n, p);
                                              },
                                          .advise =
                                              [](void* at, std::size_t n, int a) noexcept {
                                                ++system_calls;
                                                return detail::real_os.advise(at, n, a);
                                              },
                                          .advise_many =
                                              [](const iovec* r, std::size_t n, int a, std::size_t& done) noexcept {
                                                ++system_calls;
                                                return detail::real_os.advise_many(r, n, a, done);
                                              },
                                          .unlock =
                                              [](void* at, std::size_t n) noexcept {
                                                ++system_calls;
                                                return detail::real_os.unlock(at, n);
                                              },
                                          .residency =
                                              [](void* at, std::size_t n, unsigned char* out) noexcept {
                                                ++system_calls;
                                                return detail::real_os.residency(at, n, out);
                                              },
                                          .read_by_kernel =
                                              [](const void* at) noexcept {
                                                ++system_calls;
                                                return detail::real_os.read_by_kernel(at);
                                              },
                                          .max_mappings =
                                              []() noexcept {
                                                ++system_calls;
                                                return detail::real_os.max_mappings();
                                              }};

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
