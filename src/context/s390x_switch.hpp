// The inline switch, s390x (64-bit ELF ABI): see switch.hpp. It writes nothing below r15, and nothing into the 160 bytes
// above it, which are the caller's where the enclosing function has no frame.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point word, r2 = from, r3 = to. Written only where it changes: a write waits for all floating-point work in
// flight. Leaves in r0 the word in force, in r1 the one wanted.
#define WEFT_SWITCH_FP       \
  "efpc %%r0\n\t"            \
  "l    %%r1, 0x18(%%r3)\n\t"  \
  "st   %%r0, 0x18(%%r2)\n\t"  \
  "cr   %%r0, %%r1\n\t"

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds. Between it and the jump neither stack pointer nor frame pointer belong to the suspended frame any
// more, so that frame is described as one whose caller is the context just saved in *r2: what a parked context looks
// like from outside. At label 1 the compiler's description of this place is true again, for the resumed context.
// By the ABI the CFA lies 160 bytes above a frame's stack pointer, and so r15 has a rule of its own.
// r12 and r13: compilers address the module and constants by them, and take no clobber of them where they do. The contexts
// may be of different minds about it (callers may keep values there), so they are kept like the rest.
#define WEFT_SWITCH_INTEGER                                                                                       \
  "stmg %%r12, %%r13, %[kept]\n\t"                                                                                \
  "larl %%r1, 1f\n\t"                                                                                             \
  "stg  %%r15, 0x00(%%r2)\n\t"                                                                                    \
  "stg  %%r11, 0x08(%%r2)\n\t"                                                                                    \
  "stg  %%r1, 0x10(%%r2)\n\t"                                                                                     \
  WEFT_CFI(".cfi_remember_state")                                                                                 \
  WEFT_CFI(".cfi_escape 0x0f, 0x06, 0x72, 0x00, 0x06, 0x23, 0xa0, 0x01") /* CFA: *(r2 + 0x00) + 160 */            \
  WEFT_CFI(".cfi_escape 0x10, 0x0f, 0x02, 0x72, 0x00") /* expression: r15 was saved at r2 + 0x00 */               \
  WEFT_CFI(".cfi_escape 0x10, 0x0b, 0x02, 0x72, 0x08") /* expression: r11 was saved at r2 + 0x08 */               \
  WEFT_CFI(".cfi_escape 0x10, 0x0e, 0x02, 0x72, 0x10") /* expression: the return column, r14, at r2 + 0x10 */     \
  "lg   %%r1, 0x10(%%r3)\n\t"                                                                                     \
  "lg   %%r11, 0x08(%%r3)\n\t"                                                                                    \
  "lg   %%r15, 0x00(%%r3)\n\t"                                                                                    \
  "br   %%r1\n\t"                                                                                                 \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed.
#define WEFT_SWITCH_LANDING  \
  "nopr %%r0\n"              \
  "1:\n\t"                   \
  "lmg  %%r12, %%r13, %[kept]\n\t"

// clang-format on

// Every register but r11 to r13 and r15, which the switch itself saves, and the access registers: a0 and a1 are the thread
// pointer. The names of the first sixteen floating-point registers stand for the whole vector registers.
#if defined(__VX__)
#define WEFT_SWITCH_CLOBBERS_VECTORS \
  , "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
#else
#define WEFT_SWITCH_CLOBBERS_VECTORS
#endif
#define WEFT_SWITCH_CLOBBERS                                                                                          \
  "r0", "r1", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r14", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", \
      "f9", "f10", "f11", "f12", "f13", "f14", "f15", "cc", "memory" WEFT_SWITCH_CLOBBERS_VECTORS

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  register context* save asm("r2") = &from;
  register const context* load asm("r3") = &to;
  std::uint64_t kept[2];
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "jne 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               "sfpc %%r1\n\t"
               "j 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load), [kept] "=S"(kept)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  register context* save asm("r2") = &from;
  register const context* load asm("r3") = &to;
  std::uint64_t kept[2];
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING
               : "+r"(save), "+r"(load), [kept] "=S"(kept)
               :
               : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  register context* save asm("r2") = &from;
  register const context* load asm("r3") = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "je 2f\n\t"
               "sfpc %%r1\n"
               "2:\n\t"
               : "+r"(save), "+r"(load)
               :
               : "r0", "r1", "cc", "memory");
  // clang-format on
}

// A thread's own word as contexts begin, but for what the thread has set otherwise: what any computation that rounds
// would do. May be seen by fetestexcept.
inline void raise_inexact_flag() noexcept {
  std::uint32_t now;
  asm volatile("efpc %0" : "=d"(now));
  if ((now & initial_fpc) == 0) {
    asm volatile("sfpc %0" : : "d"(now | initial_fpc));
  }
}

}  // namespace weft::inline v0::detail
