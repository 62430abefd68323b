// The inline switch, x86-64 System V: see switch.hpp. It writes nothing below rsp: the red zone of a leaf caller is safe.
#pragma once
#include <weft/context/context.hpp>

#include "context/asm_support.hpp"  // WEFT_CFI
#include "context/x86_inexact.hpp"  // raise_inexact_flag

namespace weft::inline v0::detail {

// One instruction a line:
// clang-format off

// Floating-point words, rdi = from, rsi = to. The cheapest order measured (bench/micro): reading MXCSR back right after
// it was stored, to compare before the load, costs more than loading it always; x87 is the other way round. Hence the
// sticky flags of MXCSR belong to the context too, those of x87 to the thread. That stmxcsr is dear after an ldmxcsr that
// changed something (70 ns on some Intel processors) is seldom met: see initial_mxcsr.
#define WEFT_SWITCH_FP             \
  "stmxcsr 0x18(%%rdi)\n\t"        \
  "fnstcw  0x1c(%%rdi)\n\t"        \
  "ldmxcsr 0x18(%%rsi)\n\t"        \
  "movzwl  0x1c(%%rdi), %%eax\n\t" \
  "cmpw    0x1c(%%rsi), %%ax\n\t"

// At each instruction a debugger or a signal handler may unwind. Up to the store of pc the compiler's own frame
// description holds. Between it and the jump neither stack pointer nor frame pointer belong to the suspended frame any
// more, so that frame is described as one whose caller is the context just saved in *rdi: what a parked context looks
// like from outside. At label 1 the compiler's description of this place is true again, for the resumed context.
#define WEFT_SWITCH_INTEGER                                                                                     \
  "leaq 1f(%%rip), %%rax\n\t"                                                                                   \
  "movq %%rsp, 0x00(%%rdi)\n\t"                                                                                 \
  "movq %%rbp, 0x08(%%rdi)\n\t"                                                                                 \
  "movq %%rax, 0x10(%%rdi)\n\t"                                                                                 \
  WEFT_CFI(".cfi_remember_state")                                                                               \
  WEFT_CFI(".cfi_escape 0x0f, 0x03, 0x75, 0x00, 0x06") /* def_cfa_expression: *(rdi + 0x00), the saved rsp */   \
  WEFT_CFI(".cfi_escape 0x10, 0x06, 0x02, 0x75, 0x08") /* expression: rbp (6) was saved at rdi + 0x08 */        \
  WEFT_CFI(".cfi_escape 0x10, 0x10, 0x02, 0x75, 0x10") /* expression: rip (16) was saved at rdi + 0x10 */       \
  "movq 0x10(%%rsi), %%rax\n\t"                                                                                 \
  "movq 0x08(%%rsi), %%rbp\n\t"                                                                                 \
  "movq 0x00(%%rsi), %%rsp\n\t"                                                                                 \
  "jmp *%%rax\n\t"                                                                                              \
  WEFT_CFI(".cfi_restore_state")

// Where a parked context resumes. Unwinders look up pc - 1 of it, which must be past .cfi_restore_state: hence the nop,
// never executed. endbr64: landing pad of an indirect jump when the program runs with branch tracking, else a no-op.
#define WEFT_SWITCH_LANDING \
  "nop\n"                   \
  "1:\n\t"                  \
  "endbr64\n\t"

// clang-format on

// Every register but rsp and rbp, which the switch itself saves. With AVX-512 the compiler has more to keep values in.
#if defined(__AVX512F__)
#define WEFT_SWITCH_CLOBBERS_AVX512                                                                             \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
      "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define WEFT_SWITCH_CLOBBERS_AVX512
#endif
#define WEFT_SWITCH_CLOBBERS                                                                                        \
  "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", \
      "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st",   \
      "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory" WEFT_SWITCH_CLOBBERS_AVX512

[[gnu::always_inline]] inline void switch_context(context& from, const context& to) noexcept {
  context* save = &from;
  const context* load = &to;
  // clang-format off
  asm volatile(WEFT_SWITCH_FP
               "jne 3f\n"
               "2:\n\t"
               WEFT_SWITCH_INTEGER
               "3:\n\t"  // rare, so out of the way; still on the suspended stack
               "fldcw 0x1c(%%rsi)\n\t"
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
               "fldcw 0x1c(%%rsi)\n"
               "2:\n\t"
               : "+D"(save), "+S"(load)
               :
               : "rax", "cc", "memory");
}

}  // namespace weft::inline v0::detail
