// AddressSanitizer and MemorySanitizer have to be told the bounds of the stack that a resumed fiber stands on. That is not
// always the fiber's own: it may wait inside a coroutine, on that one's stack. With other sanitizers, and with none, there
// is nothing to do.
#pragma once
#include <cstddef>  // byte

#include "context/sanitizer.hpp"  // sanitizer_state, WEFT_WITH_ASAN
#include "stack/stack.hpp"        // locate_stack_address

namespace weft::inline v0::detail {

#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_MSAN)

// Before a fiber is left. The whole slot will do for a coroutine: only what lies above the stack pointer is looked at.
[[gnu::always_inline]] inline void sanitizer_note_bounds(sanitizer_state& self) noexcept {
  const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
  const auto* const bottom = static_cast<const std::byte*>(self.bottom);
  if (here >= bottom && here < bottom + self.bytes) [[likely]]
    return;
  const stack_location where = locate_stack_address(here);
  if (where.zone == stack_zone::outside) return;
  self.bottom = where.slot;
  self.bytes = where.slot_bytes;
}

#else

inline void sanitizer_note_bounds(sanitizer_state& /*self*/) noexcept {}

#endif

}  // namespace weft::inline v0::detail
