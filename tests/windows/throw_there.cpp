// The return address is the fault's own, so that the unwinder finds the frame there as far built as it was.
#include "throw_there.hpp"

namespace weft::testing {

[[noreturn, gnu::noinline]] void throw_fault() { throw fault("fault"); }

}  // namespace weft::testing

extern "C" [[noreturn, gnu::used]] void weft_throw_fault() { weft::testing::throw_fault(); }

// A fault in a prologue may leave the stack pointer at 8 bytes: aligned here, in a frame that rbp remembers.
extern "C" void weft_align_and_throw();
asm(R"(
    .text
    .globl weft_align_and_throw
    .def   weft_align_and_throw; .scl 2; .type 32; .endef
    .seh_proc weft_align_and_throw
weft_align_and_throw:
    pushq  %rbp
    .seh_pushreg %rbp
    movq   %rsp, %rbp
    .seh_setframe %rbp, 0
    .seh_endprologue
    andq   $-16, %rsp
    subq   $0x20, %rsp
    callq  weft_throw_fault
    ud2
    .seh_endproc
)");

namespace weft::testing {

void throw_there(CONTEXT& at) {
  at.Rsp -= sizeof(DWORD64);
  *reinterpret_cast<DWORD64*>(at.Rsp) = at.Rip;
  at.Rip = reinterpret_cast<DWORD64>(&weft_align_and_throw);
}

}  // namespace weft::testing
