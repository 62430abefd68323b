// ppc64le, for support/machine.hpp.
#pragma once
#include <array>    // results
#include <bit>      // bit_cast
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

inline constexpr unsigned callee_saved_values = 62;  // r14-r31 f14-f31 v20-v31 CR2-CR4 VRSAVE
#define WEFT_DOUBLE_REGISTER "d"

using four_floats = float __attribute__((vector_size(16)));
using four_words = std::uint32_t __attribute__((vector_size(16)));

inline constexpr std::uint64_t last_result = 0x7f000;  // of FPSCR, what describes the last result: nobody's
inline constexpr std::uint64_t non_java = 1ULL << 40;  // VSCR's bit, where FPSCR has none
inline constexpr std::uint32_t non_java_in_vscr = 1U << 16;

// FPSCR, and above it VSCR's non-Java bit.
inline std::uint64_t fp_state() {
  double fpscr;
  four_words vscr;  // in the register's last word, the first by its number
  asm volatile("mffs %0" : "=d"(fpscr));
  asm volatile("mfvscr %0" : "=v"(vscr));
  return (std::bit_cast<std::uint64_t>(fpscr) & ~last_result) | ((vscr[0] & non_java_in_vscr) != 0 ? non_java : 0);
}
inline void set_fp_state(std::uint64_t state) {
  const four_words vscr{(state & non_java) != 0 ? non_java_in_vscr : 0, 0, 0, 0};
  asm volatile("mtfsf 255, %0, 1, 0" : : "d"(std::bit_cast<double>(state & ~non_java)));
  asm volatile("mtvscr %0" : : "v"(vscr));
}
inline constexpr std::uint64_t fp_state_initial = non_java | 0x8200'0000;
inline constexpr std::uint64_t fp_state_odd = 0x7'be00'0401;  // Java mode, both rounding modes, all flags
inline constexpr std::uint64_t fp_state_clear = non_java, fp_state_divided = non_java | 0x8400'0000;
inline constexpr std::uint64_t inexact_flag = 0x0200'0000;

inline constexpr bool has_flush_to_zero = false;  // of vectors only: non_java
inline bool flush_to_zero() { return false; }
inline void set_flush_to_zero() {}

struct fp_control {
  std::uint64_t modes;
  bool operator==(const fp_control&) const = default;
};

// Every combination of the rounding modes, four of binary and eight of decimal numbers, and of what becomes of denormals.
constexpr fp_control fp_control_of(unsigned number) {
  return {number % 4 | std::uint64_t{number / 4 % 8} << 32 | (number / 32 % 2 != 0 ? non_java : 0)};
}
inline constexpr std::uint64_t all_modes = non_java | 0x7'0000'0003;
inline void load(fp_control c) { set_fp_state((fp_state() & ~all_modes) | c.modes); }
inline fp_control control_now() { return {fp_state() & all_modes}; }

// Bit patterns that differ by rounding of binary numbers, and by what becomes of denormals in vectors.
using fp_results = std::array<std::uint64_t, 3>;
inline constexpr std::size_t fp_distinct = 8;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3;
  four_floats denormal{1e-40F, 1e-40F, 1e-40F, 1e-40F};
  asm volatile("fdivs %0, %0, %1" : "+f"(third) : "f"(three));
  asm volatile("fdivs %0, %0, %1" : "+f"(minus_third) : "f"(three));
  asm volatile("vaddfp %0, %0, %0" : "+v"(denormal));
  fp_results bits{};
  const float floats[] = {third, minus_third, denormal[0]};
  for (std::size_t i = 0; i < 3; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  return bits;
}

inline void touch_aligned_stack() {}  // nothing traps: vector instructions round addresses down or take any

}  // namespace weft::testing
