// AArch64, for support/machine.hpp.
#pragma once
#include <array>    // results
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

inline constexpr unsigned callee_saved_values = 19;  // x19-x29 d8-d15
#define WEFT_DOUBLE_REGISTER "w"

// FPSR, and above it FPCR.
inline std::uint64_t fp_state() {
  std::uint64_t control, status;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("mrs %0, fpsr" : "=r"(status));
  return control << 32 | status;
}
inline void set_fp_state(std::uint64_t state) {
  asm volatile("msr fpcr, %0" : : "r"(state >> 32));
  asm volatile("msr fpsr, %0" : : "r"(state & 0xffffffffU));
}
inline constexpr std::uint64_t fp_state_initial = 0x10;
inline constexpr std::uint64_t fp_state_odd = 0x03c0'0000'0000'009f;  // round to zero, flush, default NaN, flags set
inline constexpr std::uint64_t fp_state_clear = 0, fp_state_divided = 0x02;
inline constexpr std::uint64_t inexact_flag = 0x10;

inline constexpr bool has_flush_to_zero = true;
inline bool flush_to_zero() { return (fp_state() >> 32 & 1U << 24) != 0; }
inline void set_flush_to_zero() { set_fp_state(fp_state() | std::uint64_t{1U << 24} << 32); }

struct fp_control {
  std::uint64_t fpcr;
  bool operator==(const fp_control&) const = default;
};

// Every combination of rounding, flush-to-zero and default NaN.
constexpr fp_control fp_control_of(unsigned number) {
  return {std::uint64_t{number % 4} << 22 | std::uint64_t{number / 4 % 2} << 24 | std::uint64_t{number / 8 % 2} << 25};
}
inline void load(fp_control c) { asm volatile("msr fpcr, %0" : : "r"(c.fpcr)); }
inline fp_control control_now() { return {fp_state() >> 32}; }

// Bit patterns that differ by rounding, by flush-to-zero and by what becomes of a NaN.
using fp_results = std::array<std::uint64_t, 5>;
inline constexpr std::size_t fp_distinct = 16;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3, half = 0.5F, tiny = 1.17549435e-38F, denormal = 1e-40F, large = 0x1p30F;
  float nan = __builtin_nanf("0x123");
  asm volatile("fdiv %s0, %s0, %s1" : "+w"(third) : "w"(three));
  asm volatile("fdiv %s0, %s0, %s1" : "+w"(minus_third) : "w"(three));
  asm volatile("fmul %s0, %s0, %s1" : "+w"(tiny) : "w"(half));
  asm volatile("fmul %s0, %s0, %s1" : "+w"(denormal) : "w"(large));
  asm volatile("fmul %s0, %s0, %s1" : "+w"(nan) : "w"(large));
  fp_results bits{};
  const float floats[] = {third, minus_third, tiny, denormal, nan};
  for (std::size_t i = 0; i < 5; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  return bits;
}

// The processor itself checks the stack pointer at each access that uses it (qemu-user does not).
inline void touch_aligned_stack() {
  alignas(16) volatile float lane[4] = {1, 2, 3, 4};
  asm volatile("ldr q0, [%0]" : : "r"(const_cast<float*>(lane)) : "v0", "memory");
}

}  // namespace weft::testing
