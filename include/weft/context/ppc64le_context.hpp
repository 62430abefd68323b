/// \file   weft/context/ppc64le_context.hpp
/// \brief  What a suspended ppc64le context is (ELFv2): 32 bytes that the switch saves and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// Floating-point modes and flags in one word: FPSCR's lower half, but for the seven bits that describe the last result
/// (FR, FI, FPRF). In their place stand the rounding mode of decimal numbers, 0x7000, and VSCR's non-Java bit, 0x8000, by
/// which vector instructions take denormal numbers for zero.
/// As a context begins: round to nearest, exceptions masked, the non-Java bit as Linux starts programs with, and the inexact
/// flag raised, the one that nearly all computing raises, so that most switches find the registers as they want them and
/// need not write them. As on x86-64: docs/design/context.md.
inline constexpr std::uint32_t initial_fp_modes = 0x8200'8000;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names.
struct context {
  void* sp = nullptr;                         // 00 r1 at the switch
  void* fp = nullptr;                         // 08 r31, with which compilers address frames of varying size
  void* pc = nullptr;                         // 10 where to resume
  std::uint32_t fp_modes = initial_fp_modes;  // 18
  std::uint16_t pad = 0;                      // 1c
  std::uint16_t owner_bits = 0;               // 1e free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x20 && offsetof(context, fp) == 0x08 && offsetof(context, pc) == 0x10);
static_assert(offsetof(context, fp_modes) == 0x18 && offsetof(context, owner_bits) == 0x1e);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept { ctx.fp_modes = context{}.fp_modes; }

}  // namespace weft::inline v0::detail
