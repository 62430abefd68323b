/// \file   weft/context/s390x_context.hpp
/// \brief  What a suspended s390x context is (64-bit ELF ABI of IBM Z): 32 bytes that the switch saves and loads.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

/// FPC as a context begins: round to nearest, exceptions masked, and the inexact flag raised, the one that nearly all
/// computing raises, so that most switches find the register as they want it and need not write it. As on x86-64:
/// docs/design/context.md.
inline constexpr std::uint32_t initial_fpc = 0x0008'0000;

/// Registers of a suspended context. All other callee-saved registers were spilled by the compiler around the switch,
/// onto the stack that `sp` names. The whole FPC belongs to the context: masks, flags, the code of the last exception, both
/// rounding modes.
struct context {
  void* sp = nullptr;               // 00 r15 at the switch
  void* fp = nullptr;               // 08 r11, with which compilers address frames of varying size
  void* pc = nullptr;               // 10 where to resume
  std::uint32_t fpc = initial_fpc;  // 18
  std::uint16_t pad = 0;            // 1c
  std::uint16_t owner_bits = 0;     // 1e free for the owner; the switch does not touch it
};
static_assert(sizeof(context) == 0x20 && offsetof(context, fp) == 0x08 && offsetof(context, pc) == 0x10);
static_assert(offsetof(context, fpc) == 0x18 && offsetof(context, owner_bits) == 0x1e);

/// Floating-point words as a context begins.
inline void reset_fp_words(context& ctx) noexcept { ctx.fpc = context{}.fpc; }

}  // namespace weft::inline v0::detail
