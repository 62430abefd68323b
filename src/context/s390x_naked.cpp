// The out-of-line switch, s390x (64-bit ELF ABI): assembly at file scope, as on AArch64. What is parked lies on the parked
// stack, in one frame of one shape, whose upper part is the caller's: by the ABI the 160 bytes above each call are there for
// the callee to save registers in.
//
//   +00 back chain   +08 fpc   +10 f8 ... +48 f15   | +50 back chain   +80 r6 ... +b8 r13   +c0 r14   +c8 r15   (r15 -> +00)
//
// Saved: what the ABI makes callee-saved: r6-r15, f8-f15, which are the upper halves of v8-v15; and FPC, rounding modes,
//   masks and exception flags.
// Not saved: call-clobbered registers (the caller spills them), all other parts of vector registers among them; the access
//   registers, of which a0 and a1 are the thread pointer.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_fpc

#include "context/asm_support.hpp"  // refused build modes

namespace weft::inline v0::detail {
namespace {

// The caller's part: what lies above every call.
struct save_area {
  save_area* back_chain = nullptr;  // null: walkers stop
  std::uint64_t reserved = 0;
  std::uint64_t r2_to_r5[4] = {};
  std::uint64_t r6_to_r12[7] = {};
  std::uint64_t r13 = 0, r14 = 0;
  save_area* r15 = this;
  std::uint64_t f0_f2_f4_f6[4] = {};
};
static_assert(sizeof(save_area) == 160 && offsetof(save_area, r6_to_r12) == 48);

struct parked_frame {
  save_area* back_chain = &caller;
  std::uint32_t fpc = initial_fpc;
  std::uint32_t pad = 0;
  std::uint64_t f8_to_f15[8] = {};
  save_area caller;
};
static_assert(sizeof(parked_frame) == 0xf0 && offsetof(parked_frame, fpc) == 0x08);
static_assert(offsetof(parked_frame, f8_to_f15) == 0x10 && offsetof(parked_frame, caller) == 0x50);

}  // namespace

// First activation: the switch returns to weft_naked_entry + 2. r15 = top - 160 (8n), r2 = value, r13 = entry.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 3
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, @function
weft_naked_entry:
    .cfi_startproc
    .cfi_undefined %r14           # outermost frame: unwinders and debuggers stop here
    nopr   %r0
    basr   %r14, %r13
    .2byte 0                      # not an instruction: entry never returns
    .cfi_endproc
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  auto* frame = ::new (static_cast<parked_frame*>(top) - 1) parked_frame;
  frame->caller.r13 = reinterpret_cast<std::uint64_t>(entry);
  frame->caller.r14 = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 2;  // past the nop
  return frame;
}

}  // namespace weft::inline v0::detail

// r2 = save_sp (out), r3 = load_sp, r4 = value.
// The call frame information stays true across the change of stacks, because both frames have one shape.
asm(R"(
    .pushsection .text
    .p2align 4
    .globl weft_switch
    .type  weft_switch, @function
weft_switch:
    .cfi_startproc
    stmg   %r6, %r15, 48(%r15)
    .cfi_offset %r6, -112
    .cfi_offset %r7, -104
    .cfi_offset %r8, -96
    .cfi_offset %r9, -88
    .cfi_offset %r10, -80
    .cfi_offset %r11, -72
    .cfi_offset %r12, -64
    .cfi_offset %r13, -56
    .cfi_offset %r14, -48
    .cfi_offset %r15, -40
    lgr    %r1, %r15
    aghi   %r15, -0x50
    .cfi_adjust_cfa_offset 0x50
    stg    %r1, 0x00(%r15)
    efpc   %r0
    st     %r0, 0x08(%r15)
    std    %f8, 0x10(%r15)
    .cfi_rel_offset %f8, 0x10
    std    %f9, 0x18(%r15)
    .cfi_rel_offset %f9, 0x18
    std    %f10, 0x20(%r15)
    .cfi_rel_offset %f10, 0x20
    std    %f11, 0x28(%r15)
    .cfi_rel_offset %f11, 0x28
    std    %f12, 0x30(%r15)
    .cfi_rel_offset %f12, 0x30
    std    %f13, 0x38(%r15)
    .cfi_rel_offset %f13, 0x38
    std    %f14, 0x40(%r15)
    .cfi_rel_offset %f14, 0x40
    std    %f15, 0x48(%r15)
    .cfi_rel_offset %f15, 0x48
    stg    %r15, 0(%r2)
    lgr    %r15, %r3
    # ---- the other stack: r15 = resumed frame, r4 = value; r6-r14 f8-f15 still belong to the suspended context.
    # FPC is written only where it changes: see s390x_switch.hpp.
    l      %r1, 0x08(%r15)
    cr     %r0, %r1
    jne    3f
2:  lgr    %r2, %r4
    ld     %f8, 0x10(%r15)
    ld     %f9, 0x18(%r15)
    ld     %f10, 0x20(%r15)
    ld     %f11, 0x28(%r15)
    ld     %f12, 0x30(%r15)
    ld     %f13, 0x38(%r15)
    ld     %f14, 0x40(%r15)
    ld     %f15, 0x48(%r15)
    .cfi_remember_state
    lmg    %r6, %r15, 0x80(%r15)
    # Registers are back, r15 with them: from here the caller's values are in them, and the memory below is no longer ours.
    .cfi_adjust_cfa_offset -0x50
    .cfi_restore %f8
    .cfi_restore %f9
    .cfi_restore %f10
    .cfi_restore %f11
    .cfi_restore %f12
    .cfi_restore %f13
    .cfi_restore %f14
    .cfi_restore %f15
    .cfi_restore %r6
    .cfi_restore %r7
    .cfi_restore %r8
    .cfi_restore %r9
    .cfi_restore %r10
    .cfi_restore %r11
    .cfi_restore %r12
    .cfi_restore %r13
    .cfi_restore %r14
    .cfi_restore %r15
    br     %r14
    .cfi_restore_state
3:  sfpc   %r1
    j      2b
    .cfi_endproc
    .size  weft_switch, . - weft_switch
    .popsection
)");
