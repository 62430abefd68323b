// The out-of-line switch, 64-bit RISC-V (lp64d, ELF): assembly at file scope, as on AArch64. What is parked lies on the
// parked stack, in one frame of one shape:
//
//   +00 fcsr   +08 fs0 ... +60 fs11   +68 s1 ... +b8 s11   +c0 s0   +c8 ra      (sp -> +00)
//   {s0, ra} is a frame record, and it lies where a compiler would put one.
//
// Saved: what the ABI makes callee-saved: s0-s11 ra sp, fs0-fs11; and fcsr, rounding mode and exception flags.
// Not saved: call-clobbered registers (the caller spills them), vectors among them; gp and tp, which belong to the program
//   and the thread; the shadow stack of Zicfiss: this object says nothing of it, so that a linker marks no program.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_fcsr

#include "context/asm_support.hpp"  // refused build modes

namespace weft::inline v0::detail {
namespace {

struct parked_frame {
  std::uint64_t fcsr = initial_fcsr;
  std::uint64_t fs0_to_fs11[12] = {};
  std::uint64_t s1 = 0;
  std::uint64_t s2_to_s11[10] = {};
  std::uint64_t s0 = 0, ra = 0;  // s0 0: frame-pointer walkers stop
};
static_assert(sizeof(parked_frame) == 0xd0 && offsetof(parked_frame, fs0_to_fs11) == 0x08);
static_assert(offsetof(parked_frame, s1) == 0x68 && offsetof(parked_frame, s0) == 0xc0);
static_assert(offsetof(parked_frame, ra) == 0xc8);

}  // namespace

// First activation: the switch jumps to weft_naked_entry + 4. sp = top (16n), a0 = value, s1 = entry, s0 = 0.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1. Uncompressed, so that its length
// is known.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, @function
weft_naked_entry:
    .cfi_startproc
    .cfi_undefined ra             # outermost frame: unwinders and debuggers stop here
    .4byte 0x00000013             # nop
    jalr   s1
    ebreak                        # entry never returns
    .cfi_endproc
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  return ::new (static_cast<parked_frame*>(top) - 1)
      parked_frame{.s1 = reinterpret_cast<std::uint64_t>(entry),
                   .ra = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 4};  // past the nop
}

}  // namespace weft::inline v0::detail

// a0 = save_sp (out), a1 = load_sp, a2 = value.
// The call frame information stays true across the change of stacks, because both frames have one shape.
// It ends in a jump by t2: `ret` would use up a prediction of the context that was left (see x86_64_naked.cpp).
asm(R"(
    .pushsection .text
    .p2align 4
    .globl weft_switch
    .type  weft_switch, @function
weft_switch:
    .cfi_startproc
    addi   sp, sp, -0xd0
    .cfi_adjust_cfa_offset 0xd0
    frcsr  t0
    sd     t0, 0x00(sp)
    fsd    fs0, 0x08(sp)
    .cfi_rel_offset fs0, 0x08
    fsd    fs1, 0x10(sp)
    .cfi_rel_offset fs1, 0x10
    fsd    fs2, 0x18(sp)
    .cfi_rel_offset fs2, 0x18
    fsd    fs3, 0x20(sp)
    .cfi_rel_offset fs3, 0x20
    fsd    fs4, 0x28(sp)
    .cfi_rel_offset fs4, 0x28
    fsd    fs5, 0x30(sp)
    .cfi_rel_offset fs5, 0x30
    fsd    fs6, 0x38(sp)
    .cfi_rel_offset fs6, 0x38
    fsd    fs7, 0x40(sp)
    .cfi_rel_offset fs7, 0x40
    fsd    fs8, 0x48(sp)
    .cfi_rel_offset fs8, 0x48
    fsd    fs9, 0x50(sp)
    .cfi_rel_offset fs9, 0x50
    fsd    fs10, 0x58(sp)
    .cfi_rel_offset fs10, 0x58
    fsd    fs11, 0x60(sp)
    .cfi_rel_offset fs11, 0x60
    sd     s1, 0x68(sp)
    .cfi_rel_offset s1, 0x68
    sd     s2, 0x70(sp)
    .cfi_rel_offset s2, 0x70
    sd     s3, 0x78(sp)
    .cfi_rel_offset s3, 0x78
    sd     s4, 0x80(sp)
    .cfi_rel_offset s4, 0x80
    sd     s5, 0x88(sp)
    .cfi_rel_offset s5, 0x88
    sd     s6, 0x90(sp)
    .cfi_rel_offset s6, 0x90
    sd     s7, 0x98(sp)
    .cfi_rel_offset s7, 0x98
    sd     s8, 0xa0(sp)
    .cfi_rel_offset s8, 0xa0
    sd     s9, 0xa8(sp)
    .cfi_rel_offset s9, 0xa8
    sd     s10, 0xb0(sp)
    .cfi_rel_offset s10, 0xb0
    sd     s11, 0xb8(sp)
    .cfi_rel_offset s11, 0xb8
    sd     s0, 0xc0(sp)
    .cfi_rel_offset s0, 0xc0
    sd     ra, 0xc8(sp)
    .cfi_rel_offset ra, 0xc8
    sd     sp, 0(a0)
    mv     sp, a1
    # ---- the other stack: sp = resumed frame, a2 = value; s0-s11 fs0-fs11 ra still belong to the suspended context.
    # fcsr is written only where it changes: see riscv64_switch.hpp.
    ld     t1, 0x00(sp)
    bne    t0, t1, 3f
2:  mv     a0, a2
    fld    fs0, 0x08(sp)
    fld    fs1, 0x10(sp)
    fld    fs2, 0x18(sp)
    fld    fs3, 0x20(sp)
    fld    fs4, 0x28(sp)
    fld    fs5, 0x30(sp)
    fld    fs6, 0x38(sp)
    fld    fs7, 0x40(sp)
    fld    fs8, 0x48(sp)
    fld    fs9, 0x50(sp)
    fld    fs10, 0x58(sp)
    fld    fs11, 0x60(sp)
    ld     s1, 0x68(sp)
    ld     s2, 0x70(sp)
    ld     s3, 0x78(sp)
    ld     s4, 0x80(sp)
    ld     s5, 0x88(sp)
    ld     s6, 0x90(sp)
    ld     s7, 0x98(sp)
    ld     s8, 0xa0(sp)
    ld     s9, 0xa8(sp)
    ld     s10, 0xb0(sp)
    ld     s11, 0xb8(sp)
    ld     s0, 0xc0(sp)
    ld     t2, 0xc8(sp)
    .cfi_remember_state
    # Registers are back: from here the caller's values are in them, and the memory below sp is no longer ours.
    .cfi_restore fs0
    .cfi_restore fs1
    .cfi_restore fs2
    .cfi_restore fs3
    .cfi_restore fs4
    .cfi_restore fs5
    .cfi_restore fs6
    .cfi_restore fs7
    .cfi_restore fs8
    .cfi_restore fs9
    .cfi_restore fs10
    .cfi_restore fs11
    .cfi_restore s1
    .cfi_restore s2
    .cfi_restore s3
    .cfi_restore s4
    .cfi_restore s5
    .cfi_restore s6
    .cfi_restore s7
    .cfi_restore s8
    .cfi_restore s9
    .cfi_restore s10
    .cfi_restore s11
    .cfi_restore s0
    .cfi_register ra, t2
    addi   sp, sp, 0xd0
    .cfi_adjust_cfa_offset -0xd0
    jr     t2
    .cfi_restore_state
3:  fscsr  t1
    j      2b
    .cfi_endproc
    .size  weft_switch, . - weft_switch
    .popsection
)");
