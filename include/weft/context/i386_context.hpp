/// \file   weft/context/i386_context.hpp
/// \brief  What a suspended i386 System V context is: 20 bytes that the switch saves and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// MXCSR as a context begins: round to nearest, exceptions masked, no flush-to-zero, and the inexact flag raised. Nearly
/// every context that computes has that flag raised soon, and where it is so in all of them the switch is 20 times as fast
/// on some Intel processors: docs/design/context.md.
inline constexpr std::uint32_t initial_mxcsr = 0x1fa0;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names. The floating-point control words belong to the context, and MXCSR's sticky exception
/// flags with them; the x87 status word does not.
struct context {
  void* sp = nullptr;                   // 00 stack pointer at the switch
  void* fp = nullptr;                   // 04 ebp; 0 in the outermost frame, so that frame walks end
  void* pc = nullptr;                   // 08 where to resume
  std::uint32_t mxcsr = initial_mxcsr;  // 0c
  std::uint16_t x87_cw = 0x037f;        // 10 64-bit mantissa, exceptions masked
  std::uint16_t owner_bits = 0;         // 12 free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x14 && offsetof(context, fp) == 0x04 && offsetof(context, pc) == 0x08);
static_assert(offsetof(context, mxcsr) == 0x0c && offsetof(context, x87_cw) == 0x10);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept {
  ctx.mxcsr = context{}.mxcsr;
  ctx.x87_cw = context{}.x87_cw;
}

}  // namespace weft::inline v0::detail
