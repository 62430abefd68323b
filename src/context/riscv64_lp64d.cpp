// First entry of a context, 64-bit RISC-V (lp64d, ELF).
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top. The first switch lands in weft_context_entry with sp at `entry`.
struct first_frame {
  void (*entry)(void*);
  void* argument;
};

}  // namespace

// sp = first_frame, 16-byte aligned; all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1. Uncompressed, so that its length
// is known.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, @function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined ra             # outermost frame: unwinders and debuggers stop here
    .cfi_undefined s0
    .4byte 0x00000013             # nop
    li     s0, 0                  # frame-pointer walkers stop here
    ld     t2, 0(sp)
    ld     a0, 8(sp)
    lla    ra, 1f                 # lla and jr, not jalr: the CPU's stack of return predictions must stay the suspended
    jr     t2                     # context's. t2: see riscv64_switch.hpp
    nop
1:  ebreak                        # entry never returns
    .cfi_endproc
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* frame = static_cast<first_frame*>(top) - 1;
  *frame = {.entry = entry, .argument = argument};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.pc = reinterpret_cast<unsigned char*>(&weft_context_entry) + 4;  // past the nop
}

}  // namespace weft::inline v0::detail
