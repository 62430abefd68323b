// What assembly inside C++ needs from the compiler: call frame information only where the compiler opens a region for
// it, and no build mode that keeps per-stack state weft does not switch.
#pragma once

#if defined(__has_feature)
#if __has_feature(safe_stack)
#error "weft cannot be built with SafeStack: the unsafe stack pointer belongs to the OS thread, not to a fiber"
#endif
#if __has_feature(shadow_call_stack)
#error "weft cannot be built with ShadowCallStack: the register that points to it belongs to the OS thread"
#endif
#endif

// The compilers define this when they emit .cfi_startproc around functions; outside one a .cfi_* directive is an error
// (-fno-exceptions -fno-asynchronous-unwind-tables).
#if defined(__GCC_HAVE_DWARF2_CFI_ASM)
#define WEFT_CFI(directives) directives "\n\t"
#else
#define WEFT_CFI(directives)
#endif

// A function whose whole body is assembly. `naked` alone does not keep instrumentation out: stack protectors, profiling,
// coverage and sanitizers insert code that clobbers registers or writes into the caller's frame. `used`: under link-time
// optimization a function that only assembly refers to would vanish. `noipa`: a compiler that sees such a body beside a
// call could conclude that the call clobbers nothing.
#if defined(__clang__)
#define WEFT_NAKED                                                                                                  \
  __attribute__((naked, noinline, used, no_instrument_function, no_profile_instrument_function, no_stack_protector, \
                 patchable_function_entry(0, 0), disable_sanitizer_instrumentation, no_sanitize("undefined")))
#else
#define WEFT_NAKED                                                                                                  \
  __attribute__((naked, noipa, used, no_instrument_function, no_profile_instrument_function, no_reorder,            \
                 no_stack_protector, patchable_function_entry(0, 0), no_sanitize("address"), no_sanitize("thread"), \
                 no_sanitize("undefined")))
#endif
