// The inline switch: assembly that saves the stack pointer, the frame pointer and the resume address and declares every
// other register clobbered, so that the compiler spills only what lives. One file per ABI, with the same functions:
//
//   switch_context(from, to)    suspends the running context into `from` and resumes `to`; returns when somebody comes back
//   switch_registers(from, to)  the same without the floating-point words: for measuring what they cost
//   switch_fp_words(from, to)   the floating-point half alone, for a stack that goes to its next owner without a switch
//   raise_inexact_flag()        floating-point words of the running thread, as those of contexts begin
//
// switch_context: keep in a function of its own per role: each call site is one indirect jump for the branch predictor.
// That function has no over-aligned locals and no alloca: the compiler would keep a base pointer in a register that is
// clobbered here. One statement holds it all: between the words and the stacks the compiler can place nothing.
#pragma once
#include <weft/context/context.hpp>

namespace weft::inline v0::detail {

// Prepares `ctx` so that the first switch to it calls entry(argument) on the stack that ends at `top`
// (16-byte aligned, exclusive). entry never returns. Writes a few words within 160 bytes below top.
void make_context(context& ctx, void* top, void (*entry)(void*), void* argument) noexcept;

}  // namespace weft::inline v0::detail

#if defined(_WIN32)
#include "context/x86_64_windows_switch.hpp"
#elif defined(__x86_64__)
#include "context/x86_64_switch.hpp"
#elif defined(__aarch64__)
#include "context/aarch64_switch.hpp"
#elif defined(__riscv)
#include "context/riscv64_switch.hpp"
#elif defined(__s390x__)
#include "context/s390x_switch.hpp"
#elif defined(__powerpc64__)
#include "context/ppc64le_switch.hpp"
#elif defined(__i386__)
#include "context/i386_switch.hpp"
#elif defined(__arm__)
#include "context/armhf_switch.hpp"
#endif
