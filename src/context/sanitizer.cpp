// The bounds of an OS thread's own stack, which AddressSanitizer and MemorySanitizer want back whenever a fiber switches to it.
// And the mark of a library with a sanitizer, which programs with that one demand.
#include "context/sanitizer.hpp"

#if defined(WEFT_SAME_SANITIZER_AS_LIBRARY)
extern "C" const char WEFT_SAME_SANITIZER_AS_LIBRARY = 1;
#endif

#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_MSAN)
#include <pthread.h>  // pthread_getattr_np

#include "base/check.hpp"

namespace weft::inline v0::detail {

void sanitizer_adopt_thread_stack(sanitizer_state& self) noexcept {
  pthread_attr_t attributes;
  int error = ::pthread_getattr_np(::pthread_self(), &attributes);
  WEFT_CHECK(error == 0, "pthread_getattr_np failed: error %d", error);
  void* bottom = nullptr;
  std::size_t bytes = 0;
  error = ::pthread_attr_getstack(&attributes, &bottom, &bytes);
  WEFT_CHECK(error == 0, "pthread_attr_getstack failed: error %d", error);
  error = ::pthread_attr_destroy(&attributes);
  WEFT_CHECK(error == 0, "pthread_attr_destroy failed: error %d", error);
  self = {};
  self.bottom = bottom;
  self.bytes = bytes;
}

}  // namespace weft::inline v0::detail
#endif
