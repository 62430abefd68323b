// First entry of a context, AArch64 (AAPCS64, ELF).
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
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, %function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined x30            // outermost frame: unwinders and debuggers stop here
    .cfi_undefined x29
    nop
    hint   #36                    // bti j: landing pad of the switch's jump
    mov    x29, xzr               // frame-pointer walkers stop here
    ldp    x16, x0, [sp]
    adr    x30, 1f                // adr and br, not blr: the CPU's stack of return predictions must stay the
    br     x16                    // suspended context's. x16: branch target identification takes it for a tail call
    nop
1:  brk    #1                     // entry never returns
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
