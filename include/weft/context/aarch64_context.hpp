/// \file   weft/context/aarch64_context.hpp
/// \brief  What a suspended AArch64 context is (AAPCS64, ELF): 32 bytes that the switch saves and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// FPSR as a context begins: the inexact flag raised, the one that nearly all computing raises, so that most switches
/// find the register as they want it and need not write it. As on x86-64: docs/design/context.md.
inline constexpr std::uint16_t initial_fpsr = 0x10;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names. FPCR (rounding, flush-to-zero, default NaN) belongs to the context, and the exception
/// flags of FPSR with it; FPSR's QC, which no language shows, does not.
struct context {
  void* sp = nullptr;                 // 00 stack pointer at the switch
  void* fp = nullptr;                 // 08 x29; 0 in the outermost frame, so that frame walks end
  void* pc = nullptr;                 // 10 where to resume
  std::uint32_t fpcr = 0;             // 18 round to nearest, exceptions masked, no flush-to-zero
  std::uint16_t fpsr = initial_fpsr;  // 1c
  std::uint16_t owner_bits = 0;       // 1e free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x20 && offsetof(context, fp) == 0x08 && offsetof(context, pc) == 0x10);
static_assert(offsetof(context, fpcr) == 0x18 && offsetof(context, fpsr) == 0x1c);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept {
  ctx.fpcr = context{}.fpcr;
  ctx.fpsr = context{}.fpsr;
}

}  // namespace weft::inline v0::detail
