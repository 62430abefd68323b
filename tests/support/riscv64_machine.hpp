// 64-bit RISC-V, for support/machine.hpp.
#pragma once
#include <array>    // results
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

inline constexpr unsigned callee_saved_values = 24;  // s0-s11 fs0-fs11
#define WEFT_DOUBLE_REGISTER "f"

// fcsr.
inline std::uint64_t fp_state() {
  std::uint64_t state;
  asm volatile("frcsr %0" : "=r"(state));
  return state;
}
inline void set_fp_state(std::uint64_t state) { asm volatile("fscsr %0" : : "r"(state)); }
inline constexpr std::uint64_t fp_state_initial = 0x01;
inline constexpr std::uint64_t fp_state_odd = 0x3f;  // round to zero, flags set
inline constexpr std::uint64_t fp_state_clear = 0, fp_state_divided = 0x08;
inline constexpr std::uint64_t inexact_flag = 0x01;

inline constexpr bool has_flush_to_zero = false;  // the processor has no such mode
inline bool flush_to_zero() { return false; }
inline void set_flush_to_zero() {}

struct fp_control {
  std::uint64_t rounding;
  bool operator==(const fp_control&) const = default;
};

// Each of the five rounding modes.
constexpr fp_control fp_control_of(unsigned number) { return {number % 5}; }
inline void load(fp_control c) { asm volatile("fsrm %0" : : "r"(c.rounding)); }
inline fp_control control_now() {
  std::uint64_t rounding;
  asm volatile("frrm %0" : "=r"(rounding));
  return {rounding};
}

// Bit patterns that differ by rounding: of a third, and of a value halfway between two others.
using fp_results = std::array<std::uint64_t, 3>;
inline constexpr std::size_t fp_distinct = 5;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3, halfway = 1, half_a_step = 0x1p-24F;
  asm volatile("fdiv.s %0, %0, %1" : "+f"(third) : "f"(three));
  asm volatile("fdiv.s %0, %0, %1" : "+f"(minus_third) : "f"(three));
  asm volatile("fadd.s %0, %0, %1" : "+f"(halfway) : "f"(half_a_step));
  fp_results bits{};
  const float floats[] = {third, minus_third, halfway};
  for (std::size_t i = 0; i < 3; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  return bits;
}

inline void touch_aligned_stack() {}  // nothing here needs more than eight bytes of alignment

}  // namespace weft::testing
