// The inline switch, ARMv7 (AAPCS32, ELF), in ARM and in Thumb code: see switch.hpp. It writes nothing below sp.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point word, r0 = from, r1 = to. Written only where it changes: a write waits for all floating-point work in
// flight. Its upper five bits are not compared: the condition flags, which each comparison sets, and QC. Leaves in r3 the
// word wanted, and the flags of the comparison.
#define WEFT_SWITCH_FP          \
  "vmrs r2, fpscr\n\t"          \
  "ldr  r3, [r1, #0x10]\n\t"    \
  "str  r2, [r0, #0x10]\n\t"    \
  "eor  r2, r2, r3\n\t"         \
  "lsls r2, r2, #5\n\t"

// A resume address in Thumb code says so by its lowest bit.
#if defined(__thumb__)
#define WEFT_SWITCH_THUMB_BIT "orr r2, r2, #1\n\t"
#else
#define WEFT_SWITCH_THUMB_BIT
#endif

// At each instruction a debugger may unwind. Up to the store of pc the compiler's own frame description holds. Between it
// and the jump neither stack pointer nor frame pointers belong to the suspended frame any more, so that frame is described
// as one whose caller is the context just saved in *r0: what a parked context looks like from outside. At label 1 the
// compiler's description of this place is true again, for the resumed context. The tables of exceptions (EHABI) describe
// calls only, of which there is none here. A jump by lr would be taken for a return: hence r2.
#define WEFT_SWITCH_INTEGER                                                                                    \
  "adr r2, 1f\n\t"                                                                                             \
  WEFT_SWITCH_THUMB_BIT                                                                                        \
  "str sp, [r0, #0x00]\n\t"                                                                                    \
  "str r11, [r0, #0x04]\n\t"                                                                                   \
  "str r7, [r0, #0x0c]\n\t"                                                                                    \
  "str r2, [r0, #0x08]\n\t"                                                                                    \
  WEFT_CFI(".cfi_remember_state")                                                                              \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x70, 0x00, 0x06") /* def_cfa_expression: *(r0 + 0x00), the saved sp */    \
  WEFT_CFI(".cfi_escape 0x10, 0x0b, 0x02, 0x70, 0x04") /* expression: r11 was saved at r0 + 0x04 */            \
  WEFT_CFI(".cfi_escape 0x10, 0x07, 0x02, 0x70, 0x0c") /* expression: r7 was saved at r0 + 0x0c */             \
  WEFT_CFI(".cfi_escape 0x10, 0x0e, 0x02, 0x70, 0x08") /* expression: the return column, lr, at r0 + 0x08 */   \
  "ldr r2, [r1, #0x08]\n\t"                                                                                    \
  "ldr r7, [r1, #0x0c]\n\t"                                                                                    \
  "ldr r11, [r1, #0x04]\n\t"                                                                                   \
  "ldr sp, [r1, #0x00]\n\t"                                                                                    \
  "bx  r2\n\t"                                                                                                 \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed.
#define WEFT_SWITCH_LANDING \
  "nop\n"                   \
  "1:\n\t"

// clang-format on

// Every register but sp, and r7 and r11, which the switch itself saves: code of either kind may have its frame pointer in
// one and a value in the other. d16-d31 exist with NEON; elsewhere the compiler knows that they do not.
#define WEFT_SWITCH_CLOBBERS                                                                                          \
  "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", \
      "d9", "d10", "d11", "d12", "d13", "d14", "d15", "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24",  \
      "d25", "d26", "d27", "d28", "d29", "d30", "d31", "cc", "memory"

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  register context* save asm("r0") = &from;
  register const context* load asm("r1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "bne 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               "vmsr fpscr, r3\n\t"
               "b 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  register context* save asm("r0") = &from;
  register const context* load asm("r1") = &to;
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING : "+r"(save), "+r"(load) : : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  register context* save asm("r0") = &from;
  register const context* load asm("r1") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "beq 2f\n\t"
               "vmsr fpscr, r3\n\t"
               "2:\n\t"
               : "+r"(save), "+r"(load)
               :
               : "r2", "r3", "cc", "memory");
  // clang-format on
}

// A thread's own word as contexts begin, but for what the thread has set otherwise: what any computation that rounds
// would do. May be seen by fetestexcept.
inline void raise_inexact_flag() noexcept {
  std::uint32_t now;
  asm volatile("vmrs %0, fpscr" : "=r"(now));
  if ((now & initial_fpscr) == 0) {
    asm volatile("vmsr fpscr, %0" : : "r"(now | initial_fpscr));
  }
}

}  // namespace weft::inline v0::detail
