// The inline switch, ppc64le (ELFv2): see switch.hpp. It writes nothing below r1, where a leaf caller has 288 bytes, and
// nothing above it, which is the caller's where the enclosing function has no frame.
#pragma once
#include <bit>      // bit_cast
#include <cstdint>  // fixed-width integers

#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point modes and flags, r3 = from, r4 = to, in one word: see context.hpp. Written only where they change: a write
// waits for all floating-point work in flight. Leaves in r5 the word in force, in r6 the one wanted.
#define WEFT_SWITCH_FP                                                                         \
  "mffs   0\n\t"                                                                               \
  "mfvsrd 5, 0\n\t"              /* r5 = FPSCR */                                              \
  "mfvscr 0\n\t"                                                                               \
  "xxpermdi 32, 32, 32, 2\n\t"   /* the half of v0 that can be moved to a register */          \
  "mfvsrwz 7, 32\n\t"            /* r7 = VSCR */                                               \
  "srdi   6, 5, 32\n\t"                                                                        \
  "rlwimi 5, 6, 12, 17, 19\n\t"  /* decimal rounding mode to 0x7000 */                         \
  "rlwimi 5, 7, 31, 16, 16\n\t"  /* non-Java bit to 0x8000 */                                  \
  "rlwinm 5, 5, 0, 16, 12\n\t"   /* not 0x70000, what is left of the last result */            \
  "lwz    6, 0x18(4)\n\t"                                                                      \
  "stw    5, 0x18(3)\n\t"                                                                      \
  "cmplw  5, 6\n\t"
#define WEFT_SWITCH_LOAD_FP                                                                    \
  "rlwinm 7, 6, 20, 29, 31\n\t"  /* from 0x7000 */                                             \
  "sldi   7, 7, 32\n\t"                                                                        \
  "rlwinm 5, 6, 0, 20, 12\n\t"   /* all but 0x7f000 */                                         \
  "clrldi 5, 5, 32\n\t"                                                                        \
  "or     5, 5, 7\n\t"                                                                         \
  "mtvsrd 0, 5\n\t"                                                                            \
  "mtfsf  255, 0, 1, 0\n\t"                                                                    \
  "rlwinm 7, 6, 1, 15, 15\n\t"   /* from 0x8000 */                                             \
  "mtvsrwz 32, 7\n\t"                                                                          \
  "xxpermdi 32, 32, 32, 2\n\t"                                                                 \
  "mtvscr 0\n\t"

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds. Between it and the jump neither stack pointer nor frame pointer belong to the suspended frame any
// more, so that frame is described as one whose caller is the context just saved in *r3: what a parked context looks
// like from outside. At label 1 the compiler's description of this place is true again, for the resumed context.
// bcl 20, 31 tells where it is, and is not taken for a call by the predictor of returns.
// r2: the compiler takes no clobber of it. It leads to the module's addresses, or, in code that needs none (-mpcrel), to
// whatever the compiler likes, so it is kept like the rest; and VRSAVE, of which no compiler knows.
#define WEFT_SWITCH_INTEGER                                                                                      \
  "std  2, %[r2]\n\t"                                                                                            \
  "mfspr 5, 256\n\t"                                                                                             \
  "stw  5, %[vrsave]\n\t"                                                                                        \
  "bcl  20, 31, 4f\n"                                                                                            \
  "4:\n\t"                                                                                                       \
  "mflr 5\n\t"                                                                                                   \
  "addi 5, 5, 1f-4b\n\t"                                                                                         \
  "std  1, 0x00(3)\n\t"                                                                                          \
  "std  31, 0x08(3)\n\t"                                                                                         \
  "std  5, 0x10(3)\n\t"                                                                                          \
  WEFT_CFI(".cfi_remember_state")                                                                                \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x73, 0x00, 0x06") /* def_cfa_expression: *(r3 + 0x00), the saved r1 */      \
  WEFT_CFI(".cfi_escape 0x10, 0x1f, 0x02, 0x73, 0x08") /* expression: r31 was saved at r3 + 0x08 */              \
  WEFT_CFI(".cfi_escape 0x10, 0x41, 0x02, 0x73, 0x10") /* expression: the return column, lr (65), at r3 + 0x10 */\
  "ld   5, 0x10(4)\n\t"                                                                                          \
  "mtctr 5\n\t"                                                                                                  \
  "ld   31, 0x08(4)\n\t"                                                                                         \
  "ld   1, 0x00(4)\n\t"                                                                                          \
  "bctr\n\t"                                                                                                     \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed.
#define WEFT_SWITCH_LANDING  \
  "nop\n"                    \
  "1:\n\t"                   \
  "ld   2, %[r2]\n\t"        \
  "lwz  5, %[vrsave]\n\t"    \
  "mtspr 256, 5\n\t"

// clang-format on

// Every register but r1, r31, r2 and VRSAVE, which the switch itself saves, and r13, the thread pointer. The names of
// floating-point registers stand for the whole VSX registers.
#define WEFT_SWITCH_CLOBBERS                                                                                           \
  "r0", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21",     \
      "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "fr0", "fr1", "fr2", "fr3", "fr4", "fr5", "fr6",  \
      "fr7", "fr8", "fr9", "fr10", "fr11", "fr12", "fr13", "fr14", "fr15", "fr16", "fr17", "fr18", "fr19", "fr20",     \
      "fr21", "fr22", "fr23", "fr24", "fr25", "fr26", "fr27", "fr28", "fr29", "fr30", "fr31", "v0", "v1", "v2", "v3",  \
      "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", \
      "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cr0", "cr1", "cr2", "cr3", "cr4",  \
      "cr5", "cr6", "cr7", "lr", "ctr", "xer", "memory"

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  register context* save asm("r3") = &from;
  register const context* load asm("r4") = &to;
  std::uint64_t r2;
  std::uint32_t vrsave;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "bne 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               WEFT_SWITCH_LOAD_FP
               "b 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load), [r2] "=m"(r2), [vrsave] "=m"(vrsave)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  register context* save asm("r3") = &from;
  register const context* load asm("r4") = &to;
  std::uint64_t r2;
  std::uint32_t vrsave;
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load), [r2] "=m"(r2), [vrsave] "=m"(vrsave)
               :
               : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  register context* save asm("r3") = &from;
  register const context* load asm("r4") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "beq 2f\n\t"
               WEFT_SWITCH_LOAD_FP
               "2:\n\t"
               : "+r"(save), "+r"(load)
               :
               : "r5", "r6", "r7", "fr0", "v0", "cr0", "memory");
  // clang-format on
}

// A thread's own flags as contexts begin, but for what the thread has set otherwise: what any computation that rounds
// would do. May be seen by fetestexcept. Bit 6 is the inexact flag; raising it raises the summary, FX, too, and traps in a
// thread that has asked for that (XE).
inline void raise_inexact_flag() noexcept {
  constexpr std::uint64_t inexact = 0x0200'0000, inexact_traps = 0x8;
  double now;
  asm volatile("mffs %0" : "=f"(now));
  if ((std::bit_cast<std::uint64_t>(now) & (inexact | inexact_traps)) == 0) {
    asm volatile("mtfsb1 6" : : : "memory");
  }
}

}  // namespace weft::inline v0::detail
