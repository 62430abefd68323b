// The inline switch, i386 System V: see switch.hpp. Below esp it writes one word, the thunk's return address: the ABI has
// no red zone.
#pragma once
#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI
#include "context/x86_inexact.hpp"  // raise_inexact_flag

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point words, edi = from, esi = to. MXCSR is loaded always, the x87 control word where it differs, as measured
// best on x86-64: see x86_64_switch.hpp.
#define WEFT_SWITCH_FP             \
  "stmxcsr 0x0c(%%edi)\n\t"        \
  "fnstcw  0x10(%%edi)\n\t"        \
  "ldmxcsr 0x0c(%%esi)\n\t"        \
  "movzwl  0x10(%%edi), %%eax\n\t" \
  "cmpw    0x10(%%esi), %%ax\n\t"

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds; the thunk that tells where we are is a function with a description of its own. Between the store and
// the jump neither stack pointer nor frame pointer belong to the suspended frame any more, so that frame is described as
// one whose caller is the context just saved in *edi: what a parked context looks like from outside. At label 1 the
// compiler's description of this place is true again, for the resumed context.
#define WEFT_SWITCH_INTEGER                                                                                     \
  "calll weft_pc_in_eax\n"                                                                                      \
  "9:\n\t"                                                                                                      \
  "leal 1f - 9b(%%eax), %%eax\n\t"                                                                              \
  "movl %%esp, 0x00(%%edi)\n\t"                                                                                 \
  "movl %%ebp, 0x04(%%edi)\n\t"                                                                                 \
  "movl %%eax, 0x08(%%edi)\n\t"                                                                                 \
  WEFT_CFI(".cfi_remember_state")                                                                               \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x77, 0x00, 0x06") /* def_cfa_expression: *(edi + 0x00), the saved esp */   \
  WEFT_CFI(".cfi_escape 0x10, 0x05, 0x02, 0x77, 0x04") /* expression: ebp (5) was saved at edi + 0x04 */        \
  WEFT_CFI(".cfi_escape 0x10, 0x08, 0x02, 0x77, 0x08") /* expression: eip (8) was saved at edi + 0x08 */        \
  "movl 0x08(%%esi), %%eax\n\t"                                                                                 \
  "movl 0x04(%%esi), %%ebp\n\t"                                                                                 \
  "movl 0x00(%%esi), %%esp\n\t"                                                                                 \
  "jmp *%%eax\n\t"                                                                                              \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed. endbr32: landing pad of an indirect jump when the program runs with branch tracking, else a no-op.
#define WEFT_SWITCH_LANDING \
  "nop\n"                   \
  "1:\n\t"                  \
  "endbr32\n\t"

// clang-format on

// Every register but esp and ebp, which the switch itself saves. With AVX-512 the compiler has more to keep values in.
#if defined(__AVX512F__)
#define WEFT_SWITCH_CLOBBERS_AVX512 , "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define WEFT_SWITCH_CLOBBERS_AVX512
#endif
#define WEFT_SWITCH_CLOBBERS                                                                                          \
  "eax", "ebx", "ecx", "edx", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "st", "st(1)", "st(2)", \
      "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory" WEFT_SWITCH_CLOBBERS_AVX512

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  context* save = &from;
  const context* load = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "jne 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               "fldcw 0x10(%%esi)\n\t"
               "jmp 2b\n\t"
               WEFT_SWITCH_LANDING
               : "+D"(save), "+S"(load)
               :
               : WEFT_SWITCH_CLOBBERS);
  // clang-format on
}

[[gnu::always_inline]] inline void switch_registers(context& from, const context& to) noexcept {
  context* save = &from;
  const context* load = &to;
  asm volatile(WEFT_SWITCH_INTEGER WEFT_SWITCH_LANDING : "+D"(save), "+S"(load) : : WEFT_SWITCH_CLOBBERS);
}

[[gnu::always_inline]] inline void switch_fp_words(context& from, const context& to) noexcept {
  context* save = &from;
  const context* load = &to;
  asm volatile(WEFT_SWITCH_FP
               "je 2f\n\t"
               "fldcw 0x10(%%esi)\n"
               "2:\n\t"
               : "+D"(save), "+S"(load)
               :
               : "eax", "cc", "memory");
}

}  // namespace weft::inline v0::detail
