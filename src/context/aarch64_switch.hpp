// The inline switch, AArch64 (AAPCS64, ELF): see switch.hpp. It writes nothing below sp.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point words, x0 = from, x1 = to. Both registers are written only where they change: writes wait for all
// floating-point work in flight. Leaves w9 = 0 when nothing is to be written, else the words in w10 and w11.
#define WEFT_SWITCH_FP          \
  "mrs  x2, fpcr\n\t"           \
  "mrs  x3, fpsr\n\t"           \
  "ldr  w10, [x1, #0x18]\n\t"   \
  "ldrh w11, [x1, #0x1c]\n\t"   \
  "str  w2, [x0, #0x18]\n\t"    \
  "strh w3, [x0, #0x1c]\n\t"    \
  "and  w3, w3, #0xffff\n\t"    \
  "eor  w9, w2, w10\n\t"        \
  "eor  w3, w3, w11\n\t"        \
  "orr  w9, w9, w3\n\t"
#define WEFT_SWITCH_LOAD_FP     \
  "msr  fpcr, x10\n\t"          \
  "msr  fpsr, x11\n\t"

// Where functions sign their return addresses, the enclosing one's is signed; the saved resume address is not.
#if defined(__ARM_FEATURE_PAC_DEFAULT)
#define WEFT_SWITCH_UNSIGNED WEFT_CFI(".cfi_negate_ra_state")
#else
#define WEFT_SWITCH_UNSIGNED
#endif

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds. Between it and the jump neither stack pointer nor frame pointer belong to the suspended frame any
// more, so that frame is described as one whose caller is the context just saved in *x0: what a parked context looks
// like from outside. At label 1 the compiler's description of this place is true again, for the resumed context.
// x16: an indirect jump through it is a tail call to branch target identification.
#define WEFT_SWITCH_INTEGER                                                                                     \
  "adr x2, 1f\n\t"                                                                                              \
  "mov x3, sp\n\t"                                                                                              \
  "stp x3, x29, [x0]\n\t"                                                                                       \
  "str x2, [x0, #0x10]\n\t"                                                                                     \
  WEFT_CFI(".cfi_remember_state")                                                                               \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x70, 0x00, 0x06") /* def_cfa_expression: *(x0 + 0x00), the saved sp */     \
  WEFT_CFI(".cfi_escape 0x10, 0x1d, 0x02, 0x70, 0x08") /* expression: x29 was saved at x0 + 0x08 */             \
  WEFT_CFI(".cfi_escape 0x10, 0x1e, 0x02, 0x70, 0x10") /* expression: the return column, x30, at x0 + 0x10 */   \
  WEFT_SWITCH_UNSIGNED                                                                                          \
  "ldr x16, [x1, #0x10]\n\t"                                                                                    \
  "ldp x3, x29, [x1]\n\t"                                                                                       \
  "mov sp, x3\n\t"                                                                                              \
  "br  x16\n\t"                                                                                                 \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed. hint #36 is `bti j`: landing pad of an indirect jump in a page guarded so, else a no-op.
#define WEFT_SWITCH_LANDING \
  "nop\n"                   \
  "1:\n\t"                  \
  "hint #36\n\t"

// clang-format on

// Every register but sp and x29, which the switch itself saves. With SVE the compiler has more to keep values in, and z
// registers whose upper parts no callee keeps.
#if defined(__ARM_FEATURE_SVE)
#define WEFT_SWITCH_CLOBBERS_VECTORS                                                                                  \
  "z0", "z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "z9", "z10", "z11", "z12", "z13", "z14", "z15", "z16", "z17", \
      "z18", "z19", "z20", "z21", "z22", "z23", "z24", "z25", "z26", "z27", "z28", "z29", "z30", "z31", "p0", "p1",   \
      "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15", "ffr"
#else
#define WEFT_SWITCH_CLOBBERS_VECTORS                                                                                  \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", \
      "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
#endif
#define WEFT_SWITCH_CLOBBERS                                                                                     \
  "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", \
      "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "cc", "memory",               \
      WEFT_SWITCH_CLOBBERS_VECTORS

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  register context* save asm("x0") = &from;
  register const context* load asm("x1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "cbnz w9, 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               WEFT_SWITCH_LOAD_FP
               "b 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  register context* save asm("x0") = &from;
  register const context* load asm("x1") = &to;
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING : "+r"(save), "+r"(load) : : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  register context* save asm("x0") = &from;
  register const context* load asm("x1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "cbz w9, 2f\n\t"
               WEFT_SWITCH_LOAD_FP
               "2:\n\t"
               : "+r"(save), "+r"(load)
               :
               : "x2", "x3", "x9", "x10", "x11", "cc", "memory");
  // clang-format on
}

// A thread's own words as contexts begin, but for what the thread has set otherwise: what any computation that rounds
// would do. May be seen by fetestexcept.
inline void raise_inexact_flag() noexcept {
  std::uint64_t now;
  asm volatile("mrs %0, fpsr" : "=r"(now));
  if ((now & initial_fpsr) == 0) {
    asm volatile("msr fpsr, %0" : : "r"(now | initial_fpsr));
  }
}

}  // namespace weft::inline v0::detail
