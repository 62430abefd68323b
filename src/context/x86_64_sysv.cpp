// First entry of a context, x86-64 System V (ELF).
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top. The first switch lands in weft_context_entry with rsp at `entry`.
struct first_frame {
  void (*entry)(void*);
  void* argument;
};

}  // namespace

// rsp = first_frame, 16-byte aligned; all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, @function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined rip            # outermost frame: unwinders and debuggers stop here
    .cfi_undefined rbp
    nop
    endbr64
    xorl   %ebp, %ebp             # frame-pointer walkers stop here
    movq   8(%rsp), %rdi
    movq   (%rsp), %rax
    leaq   1f(%rip), %rdx
    pushq  %rdx                   # push and jmp, not call: the CPU's stack of return predictions must stay the
    jmpq   *%rax                  # suspended context's, or each of its returns costs ~8 ns. rsp = 16n + 8, as the ABI wants
    nop
1:  ud2                           # entry never returns
    .cfi_endproc
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* frame = static_cast<first_frame*>(top) - 1;
  *frame = {.entry = entry, .argument = argument};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.pc = reinterpret_cast<unsigned char*>(&weft_context_entry) + 1;  // past the nop
}

}  // namespace weft::inline v0::detail
