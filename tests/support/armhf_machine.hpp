// ARMv7 with hardware floating point, for support/machine.hpp.
#pragma once
#include <array>    // results
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

inline constexpr unsigned callee_saved_values = 12;  // r4-r11 in pairs, d8-d15
#define WEFT_DOUBLE_REGISTER "w"

// FPSCR without the condition flags and QC.
inline std::uint64_t fp_state() {
  std::uint32_t state;
  asm volatile("vmrs %0, fpscr" : "=r"(state));
  return state & 0x07ff'ffffU;
}
inline void set_fp_state(std::uint64_t state) {
  asm volatile("vmsr fpscr, %0" : : "r"(static_cast<std::uint32_t>(state)));
}
inline constexpr std::uint64_t fp_state_initial = 0x10;
inline constexpr std::uint64_t fp_state_odd = 0x03c0'009f;  // round to zero, flush, default NaN, flags set
inline constexpr std::uint64_t fp_state_clear = 0, fp_state_divided = 0x02;
inline constexpr std::uint64_t inexact_flag = 0x10;

inline constexpr bool has_flush_to_zero = true;
inline bool flush_to_zero() { return (fp_state() & 1U << 24) != 0; }
inline void set_flush_to_zero() { set_fp_state(fp_state() | 1U << 24); }

struct fp_control {
  std::uint64_t modes;
  bool operator==(const fp_control&) const = default;
};

// Every combination of rounding, flush-to-zero and default NaN.
constexpr fp_control fp_control_of(unsigned number) {
  return {std::uint64_t{number % 4} << 22 | std::uint64_t{number / 4 % 2} << 24 | std::uint64_t{number / 8 % 2} << 25};
}
inline void load(fp_control c) { set_fp_state(c.modes); }
inline fp_control control_now() { return {fp_state() & 0x03c0'0000U}; }

// Bit patterns that differ by rounding, by flush-to-zero and by what becomes of a NaN.
using fp_results = std::array<std::uint64_t, 5>;
inline constexpr std::size_t fp_distinct = 16;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3, half = 0.5F, tiny = 1.17549435e-38F, denormal = 1e-40F, large = 0x1p30F;
  float nan = __builtin_nanf("0x123");
  asm volatile("vdiv.f32 %0, %0, %1" : "+t"(third) : "t"(three));
  asm volatile("vdiv.f32 %0, %0, %1" : "+t"(minus_third) : "t"(three));
  asm volatile("vmul.f32 %0, %0, %1" : "+t"(tiny) : "t"(half));
  asm volatile("vmul.f32 %0, %0, %1" : "+t"(denormal) : "t"(large));
  asm volatile("vmul.f32 %0, %0, %1" : "+t"(nan) : "t"(large));
  fp_results bits{};
  const float floats[] = {third, minus_third, tiny, denormal, nan};
  for (std::size_t i = 0; i < 5; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  return bits;
}

// A pair is loaded exclusively from an aligned place only.
inline void touch_aligned_stack() {
  alignas(8) volatile float lane[2] = {1, 2};
  asm volatile("ldrexd r2, r3, [%0]\n\tclrex" : : "r"(const_cast<float*>(lane)) : "r2", "r3", "memory");
}

}  // namespace weft::testing
