/// \file   weft/context/riscv64_context.hpp
/// \brief  What a suspended 64-bit RISC-V context is (lp64d, ELF): 32 bytes that the switch saves and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// fcsr as a context begins: round to nearest, and the inexact flag raised, the one that nearly all computing raises, so
/// that most switches find the register as they want it and need not write it. As on x86-64: docs/design/context.md.
inline constexpr std::uint32_t initial_fcsr = 0x01;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names. fcsr belongs to the context: rounding mode and exception flags.
struct context {
  void* sp = nullptr;                 // 00 stack pointer at the switch
  void* fp = nullptr;                 // 08 s0; 0 in the outermost frame, so that frame walks end
  void* pc = nullptr;                 // 10 where to resume
  std::uint32_t fcsr = initial_fcsr;  // 18
  std::uint16_t pad = 0;              // 1c
  std::uint16_t owner_bits = 0;       // 1e free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x20 && offsetof(context, fp) == 0x08 && offsetof(context, pc) == 0x10);
static_assert(offsetof(context, fcsr) == 0x18 && offsetof(context, owner_bits) == 0x1e);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept { ctx.fcsr = context{}.fcsr; }

}  // namespace weft::inline v0::detail
