/// \file   weft/base/config.hpp
/// \brief  Version, symbol visibility and the few compiler facts every header may need.
///
/// All public names live in `namespace weft::inline v0`: two incompatible versions never link into one silently.
#pragma once
#include <weft/base/with_sanitizers.hpp>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

/// Exported from the shared library; everything else is hidden.
#define WEFT_EXPORT __attribute__((visibility("default")))

/// Size of a cache line: what two threads must not share by accident.
#define WEFT_CACHE_LINE 64

#if !defined(__linux__) || !defined(__x86_64__)
#error "weft 0.1 supports Linux on x86-64 only; other ABIs add a file in src/context/"
#endif
