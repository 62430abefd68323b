// First entry of a context, ARMv7 (AAPCS32, ELF).
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top. The first switch lands in weft_context_entry with sp at `entry`.
struct first_frame {
  void (*entry)(void*);
  void* argument;
};
static_assert(sizeof(first_frame) == 8, "the stack pointer stays aligned as the ABI wants");

}  // namespace

// ARM code. sp = first_frame, 8-byte aligned; r7 and r11 are 0, all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .arm
    .p2align 2
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, %function
weft_context_entry:
    .fnstart
    .cantunwind                   @ outermost frame: exceptions end here, with all frames in place
    .cfi_startproc
    .cfi_undefined lr             @ and so do debuggers
    nop
    ldr    r1, [sp]
    ldr    r0, [sp, #4]
    adr    lr, 1f                 @ not blx: the CPU's stack of return predictions must stay the suspended context's
    bx     r1
    nop
1:  udf    #0                     @ entry never returns
    .cfi_endproc
    .fnend
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* frame = static_cast<first_frame*>(top) - 1;
  *frame = {.entry = entry, .argument = argument};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.thumb_fp = nullptr;
  ctx.pc = reinterpret_cast<unsigned char*>(&weft_context_entry) + 4;  // past the nop
}

}  // namespace weft::inline v0::detail
