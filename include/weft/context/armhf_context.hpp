/// \file   weft/context/armhf_context.hpp
/// \brief  What a suspended ARMv7 context is (AAPCS32 with hardware floating point, ELF): 24 bytes that the switch saves
///         and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// FPSCR as a context begins: round to nearest, no flush-to-zero, and the inexact flag raised, the one that nearly all
/// computing raises, so that most switches find the register as they want it and need not write it. As on x86-64:
/// docs/design/context.md.
inline constexpr std::uint32_t initial_fpscr = 0x10;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names. Rounding, flush-to-zero, default NaN and the exception flags of FPSCR belong to the
/// context; its condition flags and QC, which no call keeps, do not.
struct context {
  void* sp = nullptr;                   // 00 stack pointer at the switch
  void* fp = nullptr;                   // 04 r11, the frame pointer of ARM code; 0 in the outermost frame
  void* pc = nullptr;                   // 08 where to resume; bit 0 is set in Thumb code
  void* thumb_fp = nullptr;             // 0c r7, the frame pointer of Thumb code
  std::uint32_t fpscr = initial_fpscr;  // 10
  std::uint16_t pad = 0;                // 14
  std::uint16_t owner_bits = 0;         // 16 free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x18 && offsetof(context, fp) == 0x04 && offsetof(context, pc) == 0x08);
static_assert(offsetof(context, thumb_fp) == 0x0c && offsetof(context, fpscr) == 0x10);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept { ctx.fpscr = context{}.fpscr; }

}  // namespace weft::inline v0::detail
