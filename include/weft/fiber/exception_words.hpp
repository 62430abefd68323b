/// \file   weft/fiber/exception_words.hpp
/// \brief  Exceptions in flight, as the C++ runtime keeps them for each thread: what a switch of stacks must carry along.
#pragma once
#include <weft/base/config.hpp>

namespace weft::inline v0::detail {

/// libstdc++'s and libc++'s __cxa_eh_globals (Itanium C++ ABI, 2.2.2; Exception Handling ABI for the Arm Architecture, 8.4.1).
#if defined(__arm__)

struct exception_words {
  void* caught = nullptr;
  unsigned int uncaught = 0;    ///< not 0 whenever `propagating` is not null
  void* propagating = nullptr;  ///< exceptions whose cleanups run, the innermost first
};

/// Member by member: a temporary would leave poison in code that AddressSanitizer does not instrument.
[[gnu::always_inline]] inline void clear(exception_words& words) noexcept {
  words.caught = nullptr;
  words.uncaught = 0;
  words.propagating = nullptr;
}

#else

struct exception_words {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

/// Member by member: a temporary would leave poison in code that AddressSanitizer does not instrument.
[[gnu::always_inline]] inline void clear(exception_words& words) noexcept {
  words.caught = nullptr;
  words.uncaught = 0;
}

#endif

}  // namespace weft::inline v0::detail
