// The out-of-line switch, ARMv7 (AAPCS32, ELF): ARM code at file scope, whatever the compiler makes of the rest. What is
// parked lies on the parked stack, in one frame of one shape:
//
//   +00 fpscr   +04 d8 ... +3c d15   +44 r4 ... +60 r11   +64 lr      (sp -> +00)
//
// Saved: what the ABI makes callee-saved: r4-r11, sp, d8-d15, the modes of FPSCR; and its exception flags.
// Not saved: call-clobbered registers (the caller spills them), d16-d31 among them; FPSCR's condition flags and QC; the
//   thread pointer, which belongs to the OS thread.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_fpscr

#include "context/asm_support.hpp"  // refused build modes

namespace weft::inline v0::detail {
namespace {

struct parked_frame {
  std::uint32_t fpscr = initial_fpscr;
  std::uint32_t d8_to_d15[16] = {};
  std::uint32_t r4 = 0;
  std::uint32_t r5_to_r11[7] = {};  // r7 and r11 0: frame-pointer walkers stop
  std::uint32_t lr = 0;
};
static_assert(sizeof(parked_frame) == 0x68 && offsetof(parked_frame, d8_to_d15) == 0x04);
static_assert(offsetof(parked_frame, r4) == 0x44 && offsetof(parked_frame, lr) == 0x64);

}  // namespace

// First activation: the switch returns to weft_naked_entry + 4. sp = top (8n), r0 = value, r4 = entry, r7 = r11 = 0.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .arm
    .p2align 2
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, %function
weft_naked_entry:
    .fnstart
    .cantunwind                   @ outermost frame: exceptions end here, with all frames in place
    .cfi_startproc
    .cfi_undefined lr             @ and so do debuggers
    nop
    blx    r4
    udf    #0                     @ entry never returns
    .cfi_endproc
    .fnend
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  return ::new (static_cast<parked_frame*>(top) - 1)
      parked_frame{.r4 = reinterpret_cast<std::uint32_t>(entry),
                   .lr = reinterpret_cast<std::uint32_t>(&weft_naked_entry) + 4};  // past the nop
}

}  // namespace weft::inline v0::detail

// r0 = save_sp (out), r1 = load_sp, r2 = value.
// Both descriptions of the frame, for exceptions (.save) and for debuggers, stay true across the change of stacks, because
// both frames have one shape. It ends in a jump by r3: one by lr would use up a prediction of the context that was left.
asm(R"(
    .pushsection .text
    .arm
    .p2align 4
    .globl weft_switch
    .type  weft_switch, %function
weft_switch:
    .fnstart
    .cfi_startproc
    push   {r4-r11, lr}
    .save  {r4-r11, lr}
    .cfi_adjust_cfa_offset 0x24
    .cfi_rel_offset r4, 0x00
    .cfi_rel_offset r5, 0x04
    .cfi_rel_offset r6, 0x08
    .cfi_rel_offset r7, 0x0c
    .cfi_rel_offset r8, 0x10
    .cfi_rel_offset r9, 0x14
    .cfi_rel_offset r10, 0x18
    .cfi_rel_offset r11, 0x1c
    .cfi_rel_offset lr, 0x20
    vpush  {d8-d15}
    .vsave {d8-d15}
    .cfi_adjust_cfa_offset 0x40
    .cfi_rel_offset d8, 0x00
    .cfi_rel_offset d9, 0x08
    .cfi_rel_offset d10, 0x10
    .cfi_rel_offset d11, 0x18
    .cfi_rel_offset d12, 0x20
    .cfi_rel_offset d13, 0x28
    .cfi_rel_offset d14, 0x30
    .cfi_rel_offset d15, 0x38
    vmrs   r3, fpscr
    str    r3, [sp, #-4]!
    .pad   #4
    .cfi_adjust_cfa_offset 4
    str    sp, [r0]
    mov    sp, r1
    @ ---- the other stack: sp = resumed frame, r2 = value; r4-r11 d8-d15 lr still belong to the suspended context.
    @ FPSCR is written only where it changes: see armhf_switch.hpp.
    ldr    r1, [sp]
    eor    r3, r3, r1
    lsls   r3, r3, #5
    bne    3f
2:  mov    r0, r2
    add    r3, sp, #4
    vldmia r3!, {d8-d15}
    ldmia  r3, {r4-r11}
    ldr    r3, [sp, #0x64]
    .cfi_remember_state
    @ Registers are back: from here the caller's values are in them, and the memory below sp is no longer ours.
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    .cfi_restore r4
    .cfi_restore r5
    .cfi_restore r6
    .cfi_restore r7
    .cfi_restore r8
    .cfi_restore r9
    .cfi_restore r10
    .cfi_restore r11
    .cfi_register lr, r3
    add    sp, sp, #0x68
    .cfi_adjust_cfa_offset -0x68
    bx     r3
    .cfi_restore_state
3:  vmsr   fpscr, r1
    b      2b
    .cfi_endproc
    .fnend
    .size  weft_switch, . - weft_switch
    .popsection
)");
