// First entry of a context, ppc64le (ELFv2).
#include "context/switch.hpp"

namespace weft::inline v0::detail {
namespace {

// What a fresh stack holds at its top: the four words that by the ABI lie above each call, where the callee saves condition
// and link register of its caller. Back chain first; the others are read before the callee writes there. The first switch
// lands in weft_context_entry with r1 at `back_chain`.
struct first_frame {
  void* back_chain;
  void (*entry)(void*);
  void* argument;
  void* after;  // the return address: weft_context_entry's last instruction
};
static_assert(sizeof(first_frame) == 32);
constexpr int last_instruction_at = 28;

}  // namespace

// r1 = first_frame, 16-byte aligned; all other registers hold the previous context's values.
// The leading nop keeps the resume address off the first byte: unwinders look up pc - 1.
// Entry is called by its global entry point, which finds the module's addresses by r12.
extern "C" void weft_context_entry() noexcept;
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_context_entry
    .hidden weft_context_entry
    .type  weft_context_entry, @function
weft_context_entry:
    .cfi_startproc
    .cfi_undefined 65             # lr: outermost frame: unwinders and debuggers stop here
    .cfi_undefined 31
    nop
    ld     12, 8(1)
    ld     3, 16(1)
    ld     0, 24(1)
    mtlr   0                      # mtlr and bctr, not bctrl: the CPU's stack of return predictions must stay the
    mtctr  12                     # suspended context's
    bctr
    trap                          # entry never returns
    .cfi_endproc
    .size  weft_context_entry, . - weft_context_entry
    .popsection
)");

void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept {
  auto* const code = reinterpret_cast<unsigned char*>(&weft_context_entry);
  auto* frame = static_cast<first_frame*>(top) - 1;
  *frame = {.back_chain = nullptr, .entry = entry, .argument = argument, .after = code + last_instruction_at};
  ctx.sp = frame;
  ctx.fp = nullptr;
  ctx.pc = code + 4;  // past the nop
}

}  // namespace weft::inline v0::detail
