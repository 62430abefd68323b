// The inline switch, 64-bit RISC-V (lp64d, ELF): see switch.hpp. It writes nothing below sp.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point word, a0 = from, a1 = to. Written only where it changes: a write empties the pipeline on many cores.
// Leaves in t0 the word in force, in t1 the one wanted.
#define WEFT_SWITCH_FP       \
  "frcsr t0\n\t"             \
  "lw    t1, 0x18(a1)\n\t"   \
  "sw    t0, 0x18(a0)\n\t"

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds. Between it and the jump neither stack pointer nor frame pointer belong to the suspended frame any
// more, so that frame is described as one whose caller is the context just saved in *a0: what a parked context looks
// like from outside. At label 1 the compiler's description of this place is true again, for the resumed context.
// Through t2: a jump by ra or t0 would be taken for a return, and t2 needs no landing pad where the program has them.
#define WEFT_SWITCH_INTEGER                                                                                    \
  "lla t2, 1f\n\t"                                                                                             \
  "sd  sp, 0x00(a0)\n\t"                                                                                       \
  "sd  s0, 0x08(a0)\n\t"                                                                                       \
  "sd  t2, 0x10(a0)\n\t"                                                                                       \
  WEFT_CFI(".cfi_remember_state")                                                                              \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x7a, 0x00, 0x06") /* def_cfa_expression: *(a0 + 0x00), the saved sp */    \
  WEFT_CFI(".cfi_escape 0x10, 0x08, 0x02, 0x7a, 0x08") /* expression: s0 (8) was saved at a0 + 0x08 */         \
  WEFT_CFI(".cfi_escape 0x10, 0x01, 0x02, 0x7a, 0x10") /* expression: the return column, ra, at a0 + 0x10 */   \
  "ld  t2, 0x10(a1)\n\t"                                                                                       \
  "ld  s0, 0x08(a1)\n\t"                                                                                       \
  "ld  sp, 0x00(a1)\n\t"                                                                                       \
  "jr  t2\n\t"                                                                                                 \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed.
#define WEFT_SWITCH_LANDING \
  "nop\n"                   \
  "1:\n\t"

// clang-format on

// Every register but sp and s0, which the switch itself saves, and gp and tp, which belong to program and thread.
#if defined(__riscv_vector)
#define WEFT_SWITCH_CLOBBERS_VECTORS                                                                                 \
  , "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",     \
      "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "vl", \
      "vtype"
#else
#define WEFT_SWITCH_CLOBBERS_VECTORS
#endif
#define WEFT_SWITCH_CLOBBERS                                                                                          \
  "ra", "t0", "t1", "t2", "s1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",   \
      "s10", "s11", "t3", "t4", "t5", "t6", "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1",     \
      "fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", \
      "fs10", "fs11", "ft8", "ft9", "ft10", "ft11", "memory" WEFT_SWITCH_CLOBBERS_VECTORS

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  register context* save asm("a0") = &from;
  register const context* load asm("a1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "bne t0, t1, 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               "fscsr t1\n\t"
               "j 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  register context* save asm("a0") = &from;
  register const context* load asm("a1") = &to;
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING : "+r"(save), "+r"(load) : : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  register context* save asm("a0") = &from;
  register const context* load asm("a1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "beq t0, t1, 2f\n\t"
               "fscsr t1\n\t"
               "2:\n\t"
               : "+r"(save), "+r"(load)
               :
               : "t0", "t1", "memory");
  // clang-format on
}

// A thread's own word as contexts begin, but for what the thread has set otherwise: what any computation that rounds
// would do. May be seen by fetestexcept.
inline void raise_inexact_flag() noexcept { asm volatile("csrsi fflags, %0" : : "i"(initial_fcsr)); }

}  // namespace weft::inline v0::detail
