// WEFT_WITH_ASAN, WEFT_WITH_TSAN: defined in a build with AddressSanitizer or ThreadSanitizer, by GCC or Clang.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_WITH_ASAN 1
#elif __has_feature(thread_sanitizer)
#define WEFT_WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WEFT_WITH_ASAN)
#define WEFT_WITH_ASAN 1
#elif defined(__SANITIZE_THREAD__) && !defined(WEFT_WITH_TSAN)
#define WEFT_WITH_TSAN 1
#endif
