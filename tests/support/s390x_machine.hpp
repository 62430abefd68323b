// s390x, for support/machine.hpp.
#pragma once
#include <array>    // results
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

inline constexpr unsigned callee_saved_values = 16;  // r6-r13 f8-f15
#define WEFT_DOUBLE_REGISTER "f"

// FPC.
inline std::uint64_t fp_state() {
  std::uint32_t state;
  asm volatile("efpc %0" : "=d"(state));
  return state;
}
inline void set_fp_state(std::uint64_t state) { asm volatile("sfpc %0" : : "d"(state)); }
inline constexpr std::uint64_t fp_state_initial = 0x0008'0000;
inline constexpr std::uint64_t fp_state_odd = 0x00f8'0071;  // both rounding modes, all flags
inline constexpr std::uint64_t fp_state_clear = 0, fp_state_divided = 0x0040'0000;
inline constexpr std::uint64_t inexact_flag = 0x0008'0000;

inline constexpr bool has_flush_to_zero = false;  // the processor has no such mode
inline bool flush_to_zero() { return false; }
inline void set_flush_to_zero() {}

struct fp_control {
  std::uint64_t rounding;
  bool operator==(const fp_control&) const = default;
};

// Every combination of the rounding modes, four of binary and eight of decimal numbers.
constexpr fp_control fp_control_of(unsigned number) { return {number % 4 | number / 4 % 8 << 4}; }
inline constexpr std::uint64_t both_rounding_modes = 0x77;
inline void load(fp_control c) { set_fp_state((fp_state() & ~both_rounding_modes) | c.rounding); }
inline fp_control control_now() { return {fp_state() & both_rounding_modes}; }

// Bit patterns that differ by rounding of binary numbers.
using fp_results = std::array<std::uint64_t, 2>;
inline constexpr std::size_t fp_distinct = 4;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3;
  asm volatile("debr %0, %1" : "+f"(third) : "f"(three) : "cc");
  asm volatile("debr %0, %1" : "+f"(minus_third) : "f"(three) : "cc");
  fp_results bits{};
  const float floats[] = {third, minus_third};
  for (std::size_t i = 0; i < 2; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  return bits;
}

inline void touch_aligned_stack() {}  // the ABI aligns stacks to eight bytes, and nothing traps that needs more

}  // namespace weft::testing
