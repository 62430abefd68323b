// First entry of a context, i386 System V (ELF), and the thunk by which position-independent code learns where it is.
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top. The first switch lands in weft_context_entry with esp at `argument`, which is where
// entry finds its argument when a return address is pushed: 16-byte aligned, as the ABI wants.
struct first_frame {
  void* argument;
  void (*entry)(void*);
  void* pad[2];
};
static_assert(sizeof(first_frame) == 16);

}  // namespace

// The address after its call, in eax; every other register as it was. A call that returns, and not `call` and `pop`: the
// CPU's stack of return predictions stays right, and no stack pointer moves in a frame that the compiler describes.
extern "C" void weft_pc_in_eax() noexcept;
asm(R"(
    .pushsection .text
    .globl weft_pc_in_eax
    .hidden weft_pc_in_eax
    .type  weft_pc_in_eax, @function
weft_pc_in_eax:
    .cfi_startproc
    movl   (%esp), %eax
    ret
    .cfi_endproc
    .size  weft_pc_in_eax, . - weft_pc_in_eax
    .popsection
)");

// esp = first_frame, 16-byte aligned; all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, @function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined eip            # outermost frame: unwinders and debuggers stop here
    .cfi_undefined ebp
    nop
    endbr32
    xorl   %ebp, %ebp             # frame-pointer walkers stop here
    movl   4(%esp), %ecx
    call   weft_pc_in_eax
9:  leal   1f - 9b(%eax), %eax
    pushl  %eax                   # push and jmp, not call: the CPU's stack of return predictions must stay the
    jmp    *%ecx                  # suspended context's, or each of its returns costs ~8 ns. esp = 16n + 12, as the ABI wants
    nop
1:  ud2                           # entry never returns
    .cfi_endproc
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* frame = static_cast<first_frame*>(top) - 1;
  *frame = {.argument = argument, .entry = entry, .pad = {}};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.pc = reinterpret_cast<unsigned char*>(&weft_context_entry) + 1;  // past the nop
}

}  // namespace weft::inline v0::detail
