// First entry of a context, s390x (64-bit ELF ABI).
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top, in the 160 bytes that by the ABI lie above each call: there the callee saves the
// registers of its caller. Back chain first; entry and argument are read before the callee writes there. The first switch
// lands in weft_context_entry with r15 at `back_chain`.
struct first_frame {
  void* back_chain;
  void (*entry)(void*);
  void* argument;
};
constexpr int save_area_bytes = 160;

}  // namespace

// r15 = first_frame; all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 3
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, @function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined %r14           # outermost frame: unwinders and debuggers stop here
    .cfi_undefined %r11
    nopr   %r0
    lghi   %r11, 0
    lg     %r1, 8(%r15)
    lg     %r2, 16(%r15)
    larl   %r14, 1f               # larl and br, not basr: predictions of returns must stay the suspended context's
    br     %r1
    nopr   %r0
1:  .2byte 0                      # not an instruction: entry never returns
    .cfi_endproc
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* frame = reinterpret_cast<first_frame*>(static_cast<unsigned char*>(top) - save_area_bytes);
  *frame = {.back_chain = nullptr, .entry = entry, .argument = argument};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.pc = reinterpret_cast<unsigned char*>(&weft_context_entry) + 2;  // past the nop
}

}  // namespace weft::inline v0::detail
