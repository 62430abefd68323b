// x86 with SSE2, of 32 and 64 bits, on any system, for support/machine.hpp: all but what the calling convention says.
#pragma once
#include <array>    // results
#include <cstddef>  // size_t
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy

namespace weft::testing {

#define WEFT_DOUBLE_REGISTER "x"

// MXCSR, and above it the x87 control word.
inline std::uint64_t fp_state() {
  std::uint16_t x87 = 0;
  asm volatile("fnstcw %0" : "=m"(x87));
  return __builtin_ia32_stmxcsr() | std::uint64_t{x87} << 32;
}
inline void set_fp_state(std::uint64_t state) {
  const auto x87 = static_cast<std::uint16_t>(state >> 32);
  __builtin_ia32_ldmxcsr(static_cast<std::uint32_t>(state));
  asm volatile("fldcw %0" : : "m"(x87));
}
inline constexpr std::uint64_t fp_state_initial = 0x037f'0000'1fa0;
inline constexpr std::uint64_t fp_state_odd = 0x0c7f'0000'7fbf;  // round to zero, 24 bits, flags set
inline constexpr std::uint64_t fp_state_clear = 0x037f'0000'1f80, fp_state_divided = 0x037f'0000'1f84;
inline constexpr std::uint64_t inexact_flag = 0x20;

inline constexpr bool has_flush_to_zero = true;
inline bool flush_to_zero() { return (__builtin_ia32_stmxcsr() & 0x8000U) != 0; }
inline void set_flush_to_zero() { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8000U); }

struct fp_control {
  unsigned mxcsr;
  std::uint16_t x87;
  bool operator==(const fp_control&) const = default;
};

// Every combination of rounding, flush-to-zero and denormals-are-zero, 4 x87 roundings in 3 precisions, two mask sets.
constexpr fp_control fp_control_of(unsigned number) {
  constexpr unsigned precision[] = {0, 2, 3};  // 24, 53, 64 bits
  const unsigned mxcsr = 0x1f80U | (number % 4) << 13 | ((number / 4) % 2) << 15 | ((number / 8) % 2) << 6;
  const unsigned x87 = 0x007fU | precision[(number / 16) % 3] << 8 | ((number / 3) % 4) << 10;
  const unsigned unmasked = number % 5 == 0 ? 0x0200U : 0U;  // division by zero would trap
  return {mxcsr & ~unmasked, static_cast<std::uint16_t>(x87)};
}
inline void load(fp_control c) {
  __builtin_ia32_ldmxcsr(c.mxcsr);
  asm volatile("fldcw %0" : : "m"(c.x87));
}
inline fp_control control_now() {  // the six sticky flags depend on what was computed
  fp_control c{__builtin_ia32_stmxcsr() & 0xffc0U, 0};
  asm volatile("fnstcw %0" : "=m"(c.x87));
  return c;
}

// Bit patterns that differ by rounding, by flush-to-zero, by denormals-are-zero and by x87 rounding and precision.
using fp_results = std::array<std::uint64_t, 6>;
inline constexpr std::size_t fp_distinct = 48;
inline fp_results fp_compute() {
  float third = 1, minus_third = -1, three = 3, half = 0.5F, tiny = 1.17549435e-38F, denormal = 1e-40F, large = 0x1p30F;
  asm volatile("divss %1, %0" : "+x"(third) : "x"(three));
  asm volatile("divss %1, %0" : "+x"(minus_third) : "x"(three));
  asm volatile("mulss %1, %0" : "+x"(tiny) : "x"(half));
  asm volatile("mulss %1, %0" : "+x"(denormal) : "x"(large));
  long double one = 1, x87_three = 3, plus, minus;
  asm volatile("fldt %1\n\tfldt %2\n\tfdivrp\n\tfstpt %0" : "=m"(plus) : "m"(one), "m"(x87_three));
  one = -1;
  asm volatile("fldt %1\n\tfldt %2\n\tfdivrp\n\tfstpt %0" : "=m"(minus) : "m"(one), "m"(x87_three));
  fp_results bits{};
  const float floats[] = {third, minus_third, tiny, denormal};
  for (std::size_t i = 0; i < 4; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  std::memcpy(&bits[4], &plus, sizeof bits[4]);  // the mantissa
  std::memcpy(&bits[5], &minus, sizeof bits[5]);
  return bits;
}

inline void touch_aligned_stack() {
  alignas(16) volatile float lane[4] = {1, 2, 3, 4};
  asm volatile("movaps %0, %%xmm0" : : "m"(*const_cast<float*>(lane)) : "xmm0");
}

}  // namespace weft::testing
