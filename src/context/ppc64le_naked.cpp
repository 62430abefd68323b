// The out-of-line switch, ppc64le (ELFv2): assembly at file scope, as on AArch64. What is parked lies on the parked stack, in
// one frame of one shape, whose upper part is the caller's: by the ABI the callee saves cr and lr there.
//
//   +00 back chain   +08 modes   +0c vrsave   +10 r2   +20 v20 ... +d0 v31   +e0 f14 ... +168 f31   +170 r14 ... +1f8 r31
//   | +200 back chain   +208 cr   +210 lr                                                                   (r1 -> +00)
//
// Saved: what the ABI makes callee-saved: r1, r14-r31, f14-f31, v20-v31, CR2-CR4, VRSAVE; floating-point modes and flags,
//   in one word (see context.hpp); and r2, because the call that is returned to may be of another module, or of one that
//   had no need to save it.
// Not saved: call-clobbered registers (the caller spills them), the lower halves of vs14-vs31 among them; VSCR's SAT; r13,
//   the thread pointer.
// No caller lives in this file, and it takes no part in link-time optimization.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <weft/context/context.hpp>  // initial_fp_modes

#include "context/asm_support.hpp"  // refused build modes

namespace weft::inline v0::detail {
namespace {

// The caller's part: what lies above every call.
struct frame_header {
  frame_header* back_chain = nullptr;  // null: walkers stop
  std::uint64_t cr = 0, lr = 0, r2 = 0;
};

struct parked_frame {
  frame_header* back_chain = &caller;
  std::uint32_t fp_modes = initial_fp_modes;
  std::uint32_t vrsave = ~std::uint32_t{0};  // as Linux starts programs
  std::uint64_t r2 = 0;                      // entries set their own
  std::uint64_t pad = 0;
  std::uint64_t v20_to_v31[24] = {};
  std::uint64_t f14_to_f31[18] = {};
  std::uint64_t r14 = 0;
  std::uint64_t r15_to_r31[17] = {};
  frame_header caller;
};
static_assert(sizeof(parked_frame) == 0x220 && offsetof(parked_frame, fp_modes) == 0x08);
static_assert(offsetof(parked_frame, r2) == 0x10 && offsetof(parked_frame, v20_to_v31) == 0x20);
static_assert(offsetof(parked_frame, f14_to_f31) == 0xe0 && offsetof(parked_frame, r14) == 0x170);
static_assert(offsetof(parked_frame, caller) == 0x200);

}  // namespace

// First activation: the switch jumps to weft_naked_entry + 4. r1 = top - 32 (16n), r3 = value, r14 = entry.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
// Entry is called by its global entry point, which finds the module's addresses by r12.
extern "C" [[gnu::visibility("hidden")]] void weft_naked_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_naked_entry
    .hidden weft_naked_entry
    .type  weft_naked_entry, @function
weft_naked_entry:
    .cfi_startproc
    .cfi_undefined 65             # lr: outermost frame: unwinders and debuggers stop here
    nop
    mr     12, 14
    mtctr  12
    bctrl
    trap                          # entry never returns
    .cfi_endproc
    .size  weft_naked_entry, . - weft_naked_entry
    .popsection
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  auto* frame = ::new (static_cast<parked_frame*>(top) - 1) parked_frame;
  frame->r14 = reinterpret_cast<std::uint64_t>(entry);
  frame->caller.lr = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 4;  // past the nop
  return frame;
}

}  // namespace weft::inline v0::detail

// r3 = save_sp (out), r4 = load_sp, r5 = value.
// The call frame information stays true across the change of stacks, because both frames have one shape. Its numbers: 14 to
// 31 are r14-r31, 46 to 63 f14-f31, 65 lr, 70 to 72 CR2-CR4, 97 to 108 v20-v31.
// It ends in a jump by ctr: `blr` would use up a prediction of the context that was left (see x86_64_naked.cpp).
asm(R"(
    .pushsection .text
    .p2align 4
    .globl weft_switch
    .type  weft_switch, @function
weft_switch:
    .cfi_startproc
    mflr   0
    std    0, 0x10(1)
    .cfi_offset 65, 0x10
    mfcr   0
    stw    0, 0x08(1)
    .cfi_offset 70, 0x08
    .cfi_offset 71, 0x08
    .cfi_offset 72, 0x08
    stdu   1, -0x200(1)
    .cfi_adjust_cfa_offset 0x200
    std    2, 0x10(1)
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    std    \n, 0x170 + 8 * (\n - 14)(1)
    .cfi_rel_offset \n, 0x170 + 8 * (\n - 14)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    stfd   \n, 0xe0 + 8 * (\n - 14)(1)
    .cfi_rel_offset 32 + \n, 0xe0 + 8 * (\n - 14)
    .endr
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x20 + 16 * (\n - 20)
    stvx   \n, 7, 1
    .cfi_rel_offset 77 + \n, 0x20 + 16 * (\n - 20)
    .endr
    # Modes and flags, one word in r7: see ppc64le_switch.hpp.
    mffs   0
    mfvsrd 7, 0
    mfvscr 0
    xxpermdi 32, 32, 32, 2
    mfvsrwz 9, 32
    srdi   8, 7, 32
    rlwimi 7, 8, 12, 17, 19
    rlwimi 7, 9, 31, 16, 16
    rlwinm 7, 7, 0, 16, 12
    stw    7, 0x08(1)
    mfspr  8, 256
    stw    8, 0x0c(1)
    std    1, 0(3)
    mr     1, 4
    # ---- the other stack: r1 = resumed frame, r5 = value; all else still belongs to the suspended context.
    # Modes and flags are written only where they change: see ppc64le_switch.hpp.
    lwz    8, 0x08(1)
    cmplw  7, 8
    bne    3f
2:  lwz    8, 0x0c(1)
    mtspr  256, 8
    mr     3, 5
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x20 + 16 * (\n - 20)
    lvx    \n, 7, 1
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    lfd    \n, 0xe0 + 8 * (\n - 14)(1)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld     \n, 0x170 + 8 * (\n - 14)(1)
    .endr
    ld     2, 0x10(1)
    lwz    6, 0x208(1)
    mtcrf  0x38, 6
    ld     0, 0x210(1)
    mtlr   0
    mtctr  0
    .cfi_remember_state
    addi   1, 1, 0x200
    # Registers are back: from here the caller's values are in them, and the memory below r1 is no longer ours.
    .cfi_adjust_cfa_offset -0x200
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .cfi_restore \n
    .cfi_restore 32 + \n
    .endr
    .cfi_restore 65
    .cfi_restore 70
    .cfi_restore 71
    .cfi_restore 72
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .cfi_restore 77 + \n
    .endr
    bctr
    .cfi_restore_state
3:  rlwinm 9, 8, 20, 29, 31
    sldi   9, 9, 32
    rlwinm 7, 8, 0, 20, 12
    clrldi 7, 7, 32
    or     7, 7, 9
    mtvsrd 0, 7
    mtfsf  255, 0, 1, 0
    rlwinm 9, 8, 1, 15, 15
    mtvsrwz 32, 9
    xxpermdi 32, 32, 32, 2
    mtvscr 0
    b      2b
    .cfi_endproc
    .size  weft_switch, . - weft_switch
    .popsection
)");
