/// \file   weft/base/with_sanitizers.hpp
/// \brief  WEFT_WITH_ASAN, WEFT_WITH_TSAN, WEFT_WITH_MSAN: defined in a build with AddressSanitizer, ThreadSanitizer (GCC, Clang)
///         or MemorySanitizer (Clang).
///
/// The sanitizer has to be told of each switch, and only a library that is built with it does so. A program with it and a
/// library without do not link: the name of the symbol that is missing says why. docs/guide/sanitizers.md
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_WITH_ASAN 1
#elif __has_feature(thread_sanitizer)
#define WEFT_WITH_TSAN 1
#elif __has_feature(memory_sanitizer)
#define WEFT_WITH_MSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WEFT_WITH_ASAN)
#define WEFT_WITH_ASAN 1
#elif defined(__SANITIZE_THREAD__) && !defined(WEFT_WITH_TSAN)
#define WEFT_WITH_TSAN 1
#endif

#if defined(WEFT_WITH_ASAN)
#define WEFT_SAME_SANITIZER_AS_LIBRARY weft_must_be_built_with_address_sanitizer_too
#elif defined(WEFT_WITH_TSAN)
#define WEFT_SAME_SANITIZER_AS_LIBRARY weft_must_be_built_with_thread_sanitizer_too
#elif defined(WEFT_WITH_MSAN)
#define WEFT_SAME_SANITIZER_AS_LIBRARY weft_must_be_built_with_memory_sanitizer_too
#endif

#if defined(WEFT_SAME_SANITIZER_AS_LIBRARY)
namespace weft::inline v0::detail {
extern "C" __attribute__((visibility("default"))) const char WEFT_SAME_SANITIZER_AS_LIBRARY;
[[gnu::used]] inline const char* const sanitizer_of_library = &WEFT_SAME_SANITIZER_AS_LIBRARY;
}  // namespace weft::inline v0::detail
#endif
