/// \file   weft/base/config.hpp
/// \brief  Version, symbol visibility and the few compiler facts every header may need.
///
/// All public names live in `namespace weft::inline v0`: two incompatible versions never link into one silently.
#pragma once
#include <weft/base/with_sanitizers.hpp>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

/// Exported from the shared library; everything else is hidden. On Windows there is a static library only.
#if defined(_WIN32)
#define WEFT_EXPORT
#else
#define WEFT_EXPORT __attribute__((visibility("default")))
#endif

/// Size of a cache line: what two threads must not share by accident.
#define WEFT_CACHE_LINE 64

#if defined(_WIN32)
#if !defined(__MINGW64__) || !defined(__x86_64__) || !defined(__SEH__)
#error "on Windows weft supports x86-64 and mingw-w64 with structured exception handling: docs/platforms.md"
#endif
#elif !defined(__linux__) ||                                                                                      \
    !((defined(__LP64__) &&                                                                                       \
       (defined(__x86_64__) || defined(__aarch64__) || (defined(__riscv) && defined(__riscv_float_abi_double)) || \
        defined(__s390x__) || (defined(__powerpc64__) && _CALL_ELF == 2 && defined(__LITTLE_ENDIAN__)))) ||       \
      (defined(__i386__) && defined(__SSE2__)) || (defined(__ARM_PCS_VFP) && defined(__ARM_ARCH) && __ARM_ARCH >= 7))
#error "weft supports Linux on the processors and ABIs that docs/platforms.md lists; how to add one: docs/porting.md"
#endif
