// The out-of-line switch, x86-64 System V (ELF): a naked function, because a compiler's prologue and epilogue must not
// touch the stack at the moment it changes. What is parked lies on the parked stack, in one frame of one shape:
//
//   +00 mxcsr   +04 x87 cw   +08 r15   +10 r14   +18 r13   +20 r12   +28 rbx   +30 rbp   +38 rip      (sp -> +00)
//   {rbp, rip} is a frame record, so frame-pointer walkers pass through it.
//
// Saved: what the ABI makes callee-saved: rbx rbp r12-r15 rsp, MXCSR and the x87 control word.
// Not saved: call-clobbered registers (the caller spills them); the x87 status word; signal mask and fs
//   base, which belong to the OS thread; the CET shadow stack: this file is built with -fcf-protection=branch, so that the
//   linker drops the SHSTK mark from the program.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_mxcsr

#include "context/asm_support.hpp"

// The last step of the switch: `jmp` unless WEFT_SWITCH_WITH_RET is defined. A `ret` pops the CPU's stack of predicted
// return addresses, whose top belongs to the context that was left: it is mispredicted unless both contexts were
// suspended at the same call site. Numbers in docs/design/context.md, from bench/micro/switches.cpp.
// notrack: the target is a return address, where no endbr64 stands; programs with indirect branch tracking allow it so.
// One instruction a line:
// clang-format off
#if defined(WEFT_SWITCH_WITH_RET)
#define WEFT_SWITCH_LEAVE "ret\n\t"
#else
#define WEFT_SWITCH_LEAVE \
  "popq    %rcx\n\t" WEFT_CFI(".cfi_adjust_cfa_offset -8") WEFT_CFI(".cfi_register rip, rcx") "notrack jmp *%rcx\n\t"
#endif
// clang-format on

namespace weft::inline v0::detail {
namespace {

struct parked_frame {
  std::uint32_t mxcsr = initial_mxcsr;
  std::uint16_t x87_cw = 0x037f, pad = 0;  // 64-bit mantissa, exceptions masked
  std::uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, rbx = 0;
  std::uint64_t rbp = 0, rip = 0;  // rbp 0: frame-pointer walkers stop
};
static_assert(sizeof(parked_frame) == 0x40 && offsetof(parked_frame, x87_cw) == 0x04);
static_assert(offsetof(parked_frame, r15) == 0x08 && offsetof(parked_frame, r14) == 0x10);
static_assert(offsetof(parked_frame, r13) == 0x18 && offsetof(parked_frame, r12) == 0x20);
static_assert(offsetof(parked_frame, rbx) == 0x28 && offsetof(parked_frame, rbp) == 0x30);
static_assert(offsetof(parked_frame, rip) == 0x38);

}  // namespace

// First activation: the switch lands on weft_naked_entry + 1. rsp = top - 0x00 (16n), rax = value, rbx = entry, rbp = 0.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
#define WEFT_TEXT_OF(name) #name
#define WEFT_TEXT(name) WEFT_TEXT_OF(name)
// clang-format off
asm(".pushsection .text\n\t"
    ".globl " WEFT_TEXT(weft_naked_entry) "\n\t"
    ".hidden " WEFT_TEXT(weft_naked_entry) "\n\t"
    ".type " WEFT_TEXT(weft_naked_entry) ", @function\n"
    WEFT_TEXT(weft_naked_entry) ":\n\t"
    ".cfi_startproc\n\t"
    ".cfi_undefined rip\n\t"        // outermost frame: unwinders and debuggers stop here
    "nop\n\t"
    "movq   %rax, %rdi\n\t"
    "callq  *%rbx\n\t"              // call, not jmp: entry sees rsp = 16n + 8, as the ABI wants
    "ud2\n\t"                       // entry never returns
    ".cfi_endproc\n\t"
    ".size " WEFT_TEXT(weft_naked_entry) ", . - " WEFT_TEXT(weft_naked_entry) "\n\t"
    ".popsection");
// clang-format on

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  return ::new (static_cast<parked_frame*>(top) - 1)
      parked_frame{.rbx = reinterpret_cast<std::uint64_t>(entry),
                   .rip = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 1};  // past the nop
}

}  // namespace weft::inline v0::detail

// rdi = save_sp (out), rsi = load_sp, rdx = value. The compiler emits label, size, the CFI region and, with
// -fcf-protection, an endbr64; the rest is ours.
// The call frame information stays true across the change of stacks, because both frames have one shape.
extern "C" WEFT_NAKED void* weft_switch(void** /*save_sp*/, void* /*load_sp*/, void* /*value*/) noexcept {
  // clang-format off
  asm(
      "leaq    -0x38(%rsp), %rsp\n\t"  // rip is in place: the call pushed it
      WEFT_CFI(".cfi_adjust_cfa_offset 0x38")
      "stmxcsr 0x00(%rsp)\n\t"
      "fnstcw  0x04(%rsp)\n\t"
      "movq    %r15, 0x08(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset r15, 0x08")
      "movq    %r14, 0x10(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset r14, 0x10")
      "movq    %r13, 0x18(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset r13, 0x18")
      "movq    %r12, 0x20(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset r12, 0x20")
      "movq    %rbx, 0x28(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset rbx, 0x28")
      "movq    %rbp, 0x30(%rsp)\n\t"
      WEFT_CFI(".cfi_rel_offset rbp, 0x30")
      "movzwl  0x04(%rsp), %ecx\n\t"
      "movq    %rdx, %rax\n\t"
      "movq    %rsp, (%rdi)\n\t"
      "movq    %rsi, %rsp\n\t"
      // ---- the other stack: rsp = resumed frame, rax = value; rbx rbp r12-r15 still belong to the suspended context.
      // Floating-point words as measured best: MXCSR loaded always, x87 only when it differs (see switch.hpp).
      "ldmxcsr 0x00(%rsp)\n\t"
      "cmpw    0x04(%rsp), %cx\n\t"
      "jne     3f\n"
      "2:\n\t"
      "movq    0x08(%rsp), %r15\n\t"
      "movq    0x10(%rsp), %r14\n\t"
      "movq    0x18(%rsp), %r13\n\t"
      "movq    0x20(%rsp), %r12\n\t"
      "movq    0x28(%rsp), %rbx\n\t"
      "movq    0x30(%rsp), %rbp\n\t"
      WEFT_CFI(".cfi_remember_state")
      // Registers are back: from here the caller's values are in them, and the memory below rsp is no longer ours.
      WEFT_CFI(".cfi_restore r15\n\t.cfi_restore r14\n\t.cfi_restore r13")
      WEFT_CFI(".cfi_restore r12\n\t.cfi_restore rbx\n\t.cfi_restore rbp")
      "leaq    0x38(%rsp), %rsp\n\t"
      WEFT_CFI(".cfi_adjust_cfa_offset -0x38")
      WEFT_SWITCH_LEAVE
      WEFT_CFI(".cfi_restore_state")
      "3:\n\t"
      "fldcw   0x04(%rsp)\n\t"
      "jmp     2b\n\t");
  // clang-format on
}
