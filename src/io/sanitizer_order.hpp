// What the kernel orders and ThreadSanitizer does not see: a ring's requests are no system calls that it knows. It is
// told as it tells itself of sockets: all that is handed over happens before all that is collected later. Nothing here
// does anything without it.
#pragma once
#include "context/sanitizer.hpp"  // WEFT_WITH_TSAN

namespace weft::inline v0::detail {

#if defined(WEFT_WITH_TSAN)

inline char io_order;  // its address is what the two meet at

// Before data may leave through the kernel: a write, a close, requests handed over.
inline void sanitizer_publish_io() noexcept { __tsan_release(&io_order); }
// After data may have come through the kernel.
inline void sanitizer_observe_io() noexcept { __tsan_acquire(&io_order); }

#else

inline void sanitizer_publish_io() noexcept {}
inline void sanitizer_observe_io() noexcept {}

#endif

}  // namespace weft::inline v0::detail
