// The out-of-line switch, x86-64 Windows (PE, structured exception handling): file-scope assembly, because GCC describes a
// naked function to the unwinder as one without a frame. What is parked lies on the parked stack, in one frame of one shape:
//
//   +00 xmm6 .. +90 xmm15   +a0 mxcsr   +a4 x87 cw   +a8 ExceptionList   +b0 StackBase   +b8 StackLimit
//   +c0 DeallocationStack   +c8 GuaranteedStackBytes   +d8 r15   +e0 r14   +e8 r13   +f0 r12
//   +f8 rdi   +100 rsi   +108 rbx   +110 rbp   +118 rip                                           (sp -> +00)
//
// Saved: what the ABI makes callee-saved: rbx rbp rdi rsi r12-r15 rsp xmm6-xmm15, MXCSR and the x87 control word; and what
//   the thread's information block (TEB) says of the stack. The exception dispatcher takes no frame outside StackBase and
//   StackLimit, and ends the process instead; stack probes compare with StackLimit; the kernel tells an overflow of a stack
//   by DeallocationStack and GuaranteedStackBytes; ExceptionList is Wine's own list of handlers, on the stack.
// Not saved: call-clobbered registers (the caller spills them); the x87 status word; FiberData and the stack of activation
//   contexts, as a coroutine is a part of the Windows fiber, or thread, that has resumed it; the CET shadow stack: this
//   linker marks no program for it.
// No caller lives in this file, and it takes no part in link-time optimization.
// Sources: Microsoft, "x64 software conventions", "x64 exception handling"; the offsets in the TEB are those of winnt.h
//   (NT_TIB) and of Microsoft's public symbols.
#include "context/naked_switch.hpp"

#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers
#include <new>      // placement new

#include <windows.h>  // UnhandledExceptionFilter, TerminateProcess

#include <weft/context/x86_64_context.hpp>  // initial_mxcsr

namespace weft::inline v0::detail {
namespace {

struct alignas(16) parked_frame {
  std::uint64_t xmm[10][2] = {};
  std::uint32_t mxcsr = initial_mxcsr;
  std::uint16_t x87_cw = 0x037f, pad = 0;  // 64-bit mantissa, exceptions masked: as mingw-w64 begins its threads
  std::uint64_t exception_list = ~std::uint64_t{0};  // the end of a list
  void* stack_base = nullptr;
  void* stack_limit = nullptr;  // until it is told: nothing below the base is refused
  void* deallocation_stack = nullptr;
  std::uint64_t guaranteed_stack_bytes = 0, unused = 0;  // the TEB has 32 bits of it
  std::uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, rdi = 0, rsi = 0, rbx = 0;
  std::uint64_t rbp = 0, rip = 0;
};
static_assert(sizeof(parked_frame) == 0x120 && offsetof(parked_frame, mxcsr) == 0xa0);
static_assert(offsetof(parked_frame, x87_cw) == 0xa4 && offsetof(parked_frame, exception_list) == 0xa8);
static_assert(offsetof(parked_frame, stack_base) == 0xb0 && offsetof(parked_frame, stack_limit) == 0xb8);
static_assert(offsetof(parked_frame, deallocation_stack) == 0xc0);
static_assert(offsetof(parked_frame, guaranteed_stack_bytes) == 0xc8 && offsetof(parked_frame, r15) == 0xd8);
static_assert(offsetof(parked_frame, r14) == 0xe0 && offsetof(parked_frame, r13) == 0xe8);
static_assert(offsetof(parked_frame, r12) == 0xf0 && offsetof(parked_frame, rdi) == 0xf8);
static_assert(offsetof(parked_frame, rsi) == 0x100 && offsetof(parked_frame, rbx) == 0x108);
static_assert(offsetof(parked_frame, rbp) == 0x110 && offsetof(parked_frame, rip) == 0x118);

// What a fresh stack holds at its top: the frame of weft_naked_entry. Unwound, it gives a return address of 0 and a stack
// pointer at StackBase: walkers stop at the one or the other.
struct first_frame {
  std::uint64_t home[4] = {};  // where the entry may spill its arguments: the ABI's shadow space
  std::uint64_t pad = 0;
  std::uint64_t return_address = 0;
};
static_assert(sizeof(first_frame) == 0x30 && offsetof(first_frame, return_address) == 0x28);

}  // namespace

// First activation: the switch lands on weft_naked_entry + 1. rsp = first_frame (16n), rax = value, rbx = entry, rbp = 0.
// The leading nop keeps the resume address off the first byte: unwinders that look up pc - 1 must not find the function
// before. The frame was made by make_naked_context, so it is described by a prologue of no instruction.
// Its handler is the last one of the stack: what nobody has handled goes to the program's filter, as at the end of a thread.
extern "C" void weft_naked_entry() noexcept;
extern "C" [[gnu::used]] EXCEPTION_DISPOSITION weft_unhandled(EXCEPTION_RECORD* record, void* /*frame*/,
                                                              CONTEXT* registers, void* /*dispatcher*/) {
  if ((record->ExceptionFlags & EXCEPTION_UNWIND) != 0) {
    return ExceptionContinueSearch;
  }
  EXCEPTION_POINTERS what{record, registers};
  const LONG answer = ::UnhandledExceptionFilter(&what);
  if (answer == EXCEPTION_EXECUTE_HANDLER) {
    ::TerminateProcess(::GetCurrentProcess(), record->ExceptionCode);
  }
  return answer == EXCEPTION_CONTINUE_EXECUTION ? ExceptionContinueExecution : ExceptionContinueSearch;
}
asm(R"(
    .text
    .p2align 4
    .globl weft_naked_entry
    .def   weft_naked_entry; .scl 2; .type 32; .endef
    .seh_proc weft_naked_entry
    .seh_handler weft_unhandled, @except
weft_naked_entry:
    .seh_stackalloc 0x28
    .seh_endprologue
    nop
    movq   %rax, %rcx
    callq  *%rbx               # call, not jmp: entry sees rsp = 16n + 8 and its shadow space above
    ud2                        # entry never returns
    .seh_endproc
)");

void* make_naked_context(void* top, void (*entry)(void*)) noexcept {
  first_frame* const first = ::new (static_cast<first_frame*>(top) - 1) first_frame;
  void* const at = reinterpret_cast<parked_frame*>(first) - 1;
  return ::new (at) parked_frame{.stack_base = top,
                                 .rbx = reinterpret_cast<std::uint64_t>(entry),
                                 .rip = reinterpret_cast<std::uint64_t>(&weft_naked_entry) + 1};  // past the nop
}

void tell_stack_limits(void* parked_sp, void* limit, void* lowest) noexcept {
  constexpr std::ptrdiff_t page = 4096;
  auto& parked = *static_cast<parked_frame*>(parked_sp);
  parked.stack_limit = limit;
  parked.deallocation_stack = lowest;
  parked.guaranteed_stack_bytes =
      static_cast<std::uint64_t>(static_cast<std::byte*>(limit) - static_cast<std::byte*>(lowest) - page);
}

}  // namespace weft::inline v0::detail

// rcx = save_sp (out), rdx = load_sp, r8 = value.
// The unwind information stays true across the change of stacks, because both frames have one shape. All registers are
// restored while the frame still stands. What follows is an epilogue by its work, but the unwinder takes only those for
// one that end in `ret`, or jump through memory; and a `ret` would pop the CPU's stack of predicted return addresses, whose
// top belongs to the context that was left. So weft_switch_leave is a function to the unwinder, without a frame of its
// own: what r11 points to is described as what an interrupt leaves, {rip, -, -, rsp}. It lies in the caller's shadow space,
// which is ours until we return, and above rsp to the last.
asm(R"(
    .text
    .p2align 4
    .globl weft_switch
    .def   weft_switch; .scl 2; .type 32; .endef
    .seh_proc weft_switch
weft_switch:
    subq    $0x118, %rsp       # rip is in place: the call pushed it
    .seh_stackalloc 0x118
    movaps  %xmm6, 0x00(%rsp)
    .seh_savexmm %xmm6, 0x00
    movaps  %xmm7, 0x10(%rsp)
    .seh_savexmm %xmm7, 0x10
    movaps  %xmm8, 0x20(%rsp)
    .seh_savexmm %xmm8, 0x20
    movaps  %xmm9, 0x30(%rsp)
    .seh_savexmm %xmm9, 0x30
    movaps  %xmm10, 0x40(%rsp)
    .seh_savexmm %xmm10, 0x40
    movaps  %xmm11, 0x50(%rsp)
    .seh_savexmm %xmm11, 0x50
    movaps  %xmm12, 0x60(%rsp)
    .seh_savexmm %xmm12, 0x60
    movaps  %xmm13, 0x70(%rsp)
    .seh_savexmm %xmm13, 0x70
    movaps  %xmm14, 0x80(%rsp)
    .seh_savexmm %xmm14, 0x80
    movaps  %xmm15, 0x90(%rsp)
    .seh_savexmm %xmm15, 0x90
    movq    %r15, 0xd8(%rsp)
    .seh_savereg %r15, 0xd8
    movq    %r14, 0xe0(%rsp)
    .seh_savereg %r14, 0xe0
    movq    %r13, 0xe8(%rsp)
    .seh_savereg %r13, 0xe8
    movq    %r12, 0xf0(%rsp)
    .seh_savereg %r12, 0xf0
    movq    %rdi, 0xf8(%rsp)
    .seh_savereg %rdi, 0xf8
    movq    %rsi, 0x100(%rsp)
    .seh_savereg %rsi, 0x100
    movq    %rbx, 0x108(%rsp)
    .seh_savereg %rbx, 0x108
    movq    %rbp, 0x110(%rsp)
    .seh_savereg %rbp, 0x110
    .seh_endprologue
    stmxcsr 0xa0(%rsp)
    fnstcw  0xa4(%rsp)
    movq    %gs:0x30, %r10     # the TEB
    movq    0x00(%r10), %rax   # ExceptionList
    movq    %rax, 0xa8(%rsp)
    movq    0x08(%r10), %rax   # StackBase
    movq    %rax, 0xb0(%rsp)
    movq    0x10(%r10), %rax   # StackLimit
    movq    %rax, 0xb8(%rsp)
    movq    0x1478(%r10), %rax # DeallocationStack
    movq    %rax, 0xc0(%rsp)
    movl    0x1748(%r10), %eax # GuaranteedStackBytes
    movl    %eax, 0xc8(%rsp)
    movzwl  0xa4(%rsp), %r9d
    movq    %rsp, (%rcx)
    movq    %rdx, %rsp
    # ---- the other stack: rsp = resumed frame, r8 = value; callee-saved registers still belong to the suspended context.
    # Until the TEB follows, nothing here can fault. Floating-point words as on Linux: MXCSR loaded always, x87 only when
    # it differs.
    movq    0xa8(%rsp), %rax
    movq    %rax, 0x00(%r10)
    movq    0xb0(%rsp), %rax
    movq    %rax, 0x08(%r10)
    movq    0xb8(%rsp), %rax
    movq    %rax, 0x10(%r10)
    movq    0xc0(%rsp), %rax
    movq    %rax, 0x1478(%r10)
    movl    0xc8(%rsp), %eax
    movl    %eax, 0x1748(%r10)
    ldmxcsr 0xa0(%rsp)
    cmpw    0xa4(%rsp), %r9w
    je      2f
    fldcw   0xa4(%rsp)
2:
    movaps  0x00(%rsp), %xmm6
    movaps  0x10(%rsp), %xmm7
    movaps  0x20(%rsp), %xmm8
    movaps  0x30(%rsp), %xmm9
    movaps  0x40(%rsp), %xmm10
    movaps  0x50(%rsp), %xmm11
    movaps  0x60(%rsp), %xmm12
    movaps  0x70(%rsp), %xmm13
    movaps  0x80(%rsp), %xmm14
    movaps  0x90(%rsp), %xmm15
    movq    0xd8(%rsp), %r15
    movq    0xe0(%rsp), %r14
    movq    0xe8(%rsp), %r13
    movq    0xf0(%rsp), %r12
    movq    0xf8(%rsp), %rdi
    movq    0x100(%rsp), %rsi
    movq    0x108(%rsp), %rbx
    movq    0x110(%rsp), %rbp
    movq    %r8, %rax
    movq    0x118(%rsp), %rcx
    leaq    0x120(%rsp), %r11  # the caller's stack pointer, and where its shadow space begins
    movq    %rcx, 0x00(%r11)
    movq    %r11, 0x18(%r11)   # and on into weft_switch_leave
    .seh_endproc

    .def   weft_switch_leave; .scl 3; .type 32; .endef
    .seh_proc weft_switch_leave
weft_switch_leave:
    .seh_pushframe
    .seh_setframe %r11, 0
    .seh_endprologue
    movq    %r11, %rsp
    jmpq    *%rcx
    .seh_endproc
)");
