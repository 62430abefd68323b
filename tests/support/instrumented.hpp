// Whether a sanitizer slows this build down and moves memory about: tests then use smaller counts and leave out what
// measures memory or limits the address space. And whether it is built for another processor, which qemu-user plays: just
// as slow, and its kernel, which translates each system call, knows fewer of them (docs/platforms.md).
#pragma once
#include "context/sanitizer.hpp"  // WEFT_WITH_ASAN, WEFT_WITH_TSAN

namespace weft::testing {
#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_TSAN) || defined(WEFT_WITH_MSAN)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif

// For what ThreadSanitizer alone cannot run.
#if defined(WEFT_WITH_TSAN)
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif

#if defined(WEFT_TEST_EMULATED)
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif
// Why tests of memory are skipped there. Seen with qemu-user 7.2: under an RLIMIT_AS of 2 GB a program's VmSize grew to 69, and
// 5000 stacks of a page each counted 440 MB of VmRSS, as the emulator keeps books of the program's pages in the same process.
inline constexpr char emulators_memory[] =
    "an emulator's own memory counts with the program's, and it passes on no limits of address space";
// What a program that a signal ends prints: nothing, or what qemu-user says of every such end.
inline constexpr const char* nothing_said = emulated ? "^(qemu: uncaught target signal (.|\n)*)?$" : "^$";
}  // namespace weft::testing
