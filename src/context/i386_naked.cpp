// The out-of-line switch, i386 System V (ELF): a naked function, because a compiler's prologue and epilogue must not
// touch the stack at the moment it changes. What is parked lies on the parked stack, in one frame of one shape:
//
//   +00 mxcsr   +04 x87 cw   +08 edi   +0c esi   +10 ebx   +14 ebp   +18 eip      (esp -> +00)
//   {ebp, eip} is a frame record, so frame-pointer walkers pass through it.
//
// Saved: what the ABI makes callee-saved: ebx esi edi ebp esp, MXCSR and the x87 control word.
// Not saved: call-clobbered registers (the caller spills them); the x87 status word; signal mask and gs
//   base, which belong to the OS thread; the CET shadow stack: this file is built with -fcf-protection=branch, so that the
//   linker drops the SHSTK mark from the program.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_mxcsr

#include "context/asm_support.hpp"

namespace weft::inline v0::detail {
namespace {

struct parked_frame {
  std::uint32_t mxcsr = initial_mxcsr;
  std::uint16_t x87_cw = 0x037f, pad = 0;  // 64-bit mantissa, exceptions masked
  std::uint32_t edi = 0, esi = 0, ebx = 0;
  std::uint32_t ebp = 0, eip = 0;  // ebp 0: frame-pointer walkers stop
};
static_assert(sizeof(parked_frame) == 0x1c && offsetof(parked_frame, x87_cw) == 0x04);
static_assert(offsetof(parked_frame, edi) == 0x08 && offsetof(parked_frame, esi) == 0x0c);
static_assert(offsetof(parked_frame, ebx) == 0x10 && offsetof(parked_frame, ebp) == 0x14);
static_assert(offsetof(parked_frame, eip) == 0x18);

}  // namespace

// First activation: the switch lands on weft_naked_entry + 1. esp = top (16n), eax = value, ebx = entry, ebp = 0.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, @function
weft_naked_entry:
    .cfi_startproc
    .cfi_undefined eip            # outermost frame: unwinders and debuggers stop here
    nop
    subl   $0xc, %esp
    pushl  %eax
    call   *%ebx                  # call, not jmp: entry sees esp = 16n + 12, as the ABI wants
    ud2                           # entry never returns
    .cfi_endproc
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  return ::new (static_cast<parked_frame*>(top) - 1)
      parked_frame{.ebx = reinterpret_cast<std::uint32_t>(entry),
                   .eip = reinterpret_cast<std::uint32_t>(&weft_naked_entry) + 1};  // past the nop
}

}  // namespace weft::inline v0::detail

// On the stack: return address, save_sp (out), load_sp, value. The compiler emits label, size, the CFI region and, with
// -fcf-protection, an endbr32; the rest is ours.
// The call frame information stays true across the change of stacks, because both frames have one shape. It ends in a jump:
// a `ret` would use up a prediction of the context that was left. notrack: the target is a return address, where no
// endbr32 stands.
extern "C" WEFT_NAKED void* weft_switch(void** /*save_sp*/, void* /*load_sp*/, void* /*value*/) noexcept {
  // clang-format off
  asm(
      "movl    0x04(%esp), %ecx\n\t"
      "movl    0x08(%esp), %edx\n\t"
      "movl    0x0c(%esp), %eax\n\t"
      "leal    -0x18(%esp), %esp\n\t"  // eip is in place: the call pushed it
      WEFT_CFI(".cfi_adjust_cfa_offset 0x18")
      "stmxcsr 0x00(%esp)\n\t"
      "fnstcw  0x04(%esp)\n\t"
      "movl    %edi, 0x08(%esp)\n\t"
      WEFT_CFI(".cfi_rel_offset edi, 0x08")
      "movl    %esi, 0x0c(%esp)\n\t"
      WEFT_CFI(".cfi_rel_offset esi, 0x0c")
      "movl    %ebx, 0x10(%esp)\n\t"
      WEFT_CFI(".cfi_rel_offset ebx, 0x10")
      "movl    %ebp, 0x14(%esp)\n\t"
      WEFT_CFI(".cfi_rel_offset ebp, 0x14")
      "movl    %esp, (%ecx)\n\t"
      "movzwl  0x04(%esp), %ecx\n\t"
      "movl    %edx, %esp\n\t"
      // ---- the other stack: esp = resumed frame, eax = value; ebx ebp esi edi still belong to the suspended context.
      // Floating-point words as measured best on x86-64: MXCSR loaded always, x87 only when it differs.
      "ldmxcsr 0x00(%esp)\n\t"
      "cmpw    0x04(%esp), %cx\n\t"
      "jne     3f\n"
      "2:\n\t"
      "movl    0x08(%esp), %edi\n\t"
      "movl    0x0c(%esp), %esi\n\t"
      "movl    0x10(%esp), %ebx\n\t"
      "movl    0x14(%esp), %ebp\n\t"
      WEFT_CFI(".cfi_remember_state")
      // Registers are back: from here the caller's values are in them, and the memory below esp is no longer ours.
      WEFT_CFI(".cfi_restore edi\n\t.cfi_restore esi\n\t.cfi_restore ebx\n\t.cfi_restore ebp")
      "leal    0x18(%esp), %esp\n\t"
      WEFT_CFI(".cfi_adjust_cfa_offset -0x18")
      "popl    %ecx\n\t"
      WEFT_CFI(".cfi_adjust_cfa_offset -4")
      WEFT_CFI(".cfi_register eip, ecx")
      "notrack jmp *%ecx\n\t"
      WEFT_CFI(".cfi_restore_state")
      "3:\n\t"
      "fldcw   0x04(%esp)\n\t"
      "jmp     2b\n\t");
  // clang-format on
}
