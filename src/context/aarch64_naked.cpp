// The out-of-line switch, AArch64 (AAPCS64, ELF): assembly at file scope, because GCC has no naked functions here. What is
// parked lies on the parked stack, in one frame of one shape:
//
//   +00 fpcr   +04 fpsr   +10 d8 ... +48 d15   +50 x19 ... +98 x28   +a0 x29   +a8 x30      (sp -> +00)
//   {x29, x30} is a frame record, and it lies where a compiler would put one.
//
// Saved: what the ABI makes callee-saved: x19-x30, sp, the lower halves of v8-v15, FPCR; and FPSR's exception flags.
// Not saved: call-clobbered registers (the caller spills them), SVE and upper halves of vectors among them; FPSR's QC;
//   x18, which Linux leaves to compilers as one more scratch register; the thread pointer, which belongs to the OS thread;
//   guarded control stacks: this file is built with -mbranch-protection=bti, so that the linker drops the GCS mark from
//   the program, and the one of signed return addresses, which the frame above holds unsigned.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_fpsr

#include "context/asm_support.hpp"  // refused build modes

namespace weft::inline v0::detail {
namespace {

struct parked_frame {
  std::uint32_t fpcr = 0;  // round to nearest, exceptions masked
  std::uint32_t fpsr = initial_fpsr;
  std::uint64_t pad = 0;
  std::uint64_t d8_to_d15[8] = {};
  std::uint64_t x19 = 0;
  std::uint64_t x20_to_x28[9] = {};
  std::uint64_t x29 = 0, x30 = 0;  // x29 0: frame-pointer walkers stop
};
static_assert(sizeof(parked_frame) == 0xb0 && offsetof(parked_frame, fpsr) == 0x04);
static_assert(offsetof(parked_frame, d8_to_d15) == 0x10 && offsetof(parked_frame, x19) == 0x50);
static_assert(offsetof(parked_frame, x29) == 0xa0 && offsetof(parked_frame, x30) == 0xa8);

}  // namespace

// First activation: the switch returns to weft_naked_entry + 4. sp = top (16n), x0 = value, x19 = entry, x29 = 0.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, %function
weft_naked_entry:
    .cfi_startproc
    .cfi_undefined x30            // outermost frame: unwinders and debuggers stop here
    nop
    blr    x19
    brk    #1                     // entry never returns
    .cfi_endproc
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  return ::new (static_cast<parked_frame*>(top) - 1)
      parked_frame{.x19 = reinterpret_cast<std::uint64_t>(entry),
                   .x30 = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 4};  // past the nop
}

}  // namespace weft::inline v0::detail

// x0 = save_sp (out), x1 = load_sp, x2 = value.
// The call frame information stays true across the change of stacks, because both frames have one shape.
// It ends in `ret`: a jump to a return address, where no landing pad stands, would trap under branch target identification.
asm(R"(
    .pushsection .text
    .p2align 4
    .globl weft_switch
    .type  weft_switch, %function
weft_switch:
    .cfi_startproc
    hint   #34                    // bti c: landing pad of an indirect call
    sub    sp, sp, #0xb0
    .cfi_adjust_cfa_offset 0xb0
    mrs    x9, fpcr
    mrs    x10, fpsr
    stp    w9, w10, [sp, #0x00]
    stp    d8, d9, [sp, #0x10]
    .cfi_rel_offset d8, 0x10
    .cfi_rel_offset d9, 0x18
    stp    d10, d11, [sp, #0x20]
    .cfi_rel_offset d10, 0x20
    .cfi_rel_offset d11, 0x28
    stp    d12, d13, [sp, #0x30]
    .cfi_rel_offset d12, 0x30
    .cfi_rel_offset d13, 0x38
    stp    d14, d15, [sp, #0x40]
    .cfi_rel_offset d14, 0x40
    .cfi_rel_offset d15, 0x48
    stp    x19, x20, [sp, #0x50]
    .cfi_rel_offset x19, 0x50
    .cfi_rel_offset x20, 0x58
    stp    x21, x22, [sp, #0x60]
    .cfi_rel_offset x21, 0x60
    .cfi_rel_offset x22, 0x68
    stp    x23, x24, [sp, #0x70]
    .cfi_rel_offset x23, 0x70
    .cfi_rel_offset x24, 0x78
    stp    x25, x26, [sp, #0x80]
    .cfi_rel_offset x25, 0x80
    .cfi_rel_offset x26, 0x88
    stp    x27, x28, [sp, #0x90]
    .cfi_rel_offset x27, 0x90
    .cfi_rel_offset x28, 0x98
    stp    x29, x30, [sp, #0xa0]
    .cfi_rel_offset x29, 0xa0
    .cfi_rel_offset x30, 0xa8
    mov    x3, sp
    str    x3, [x0]
    mov    sp, x1
    // ---- the other stack: sp = resumed frame, x2 = value; x19-x30 d8-d15 still belong to the suspended context.
    // Floating-point registers are written only where they change: see aarch64_switch.hpp.
    ldp    w11, w12, [sp, #0x00]
    eor    w9, w9, w11
    eor    w10, w10, w12
    orr    w9, w9, w10
    cbnz   w9, 3f
2:  mov    x0, x2
    ldp    d8, d9, [sp, #0x10]
    ldp    d10, d11, [sp, #0x20]
    ldp    d12, d13, [sp, #0x30]
    ldp    d14, d15, [sp, #0x40]
    ldp    x19, x20, [sp, #0x50]
    ldp    x21, x22, [sp, #0x60]
    ldp    x23, x24, [sp, #0x70]
    ldp    x25, x26, [sp, #0x80]
    ldp    x27, x28, [sp, #0x90]
    ldp    x29, x30, [sp, #0xa0]
    .cfi_remember_state
    // Registers are back: from here the caller's values are in them, and the memory below sp is no longer ours.
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    add    sp, sp, #0xb0
    .cfi_adjust_cfa_offset -0xb0
    ret
    .cfi_restore_state
3:  msr    fpcr, x11
    msr    fpsr, x12
    b      2b
    .cfi_endproc
    .size  weft_switch, . - weft_switch
    .popsection
)");
