// The out-of-line switch: making a context for it. The switch itself is in weft/context/naked_switch.hpp.
#pragma once
#include <weft/context/naked_switch.hpp>

namespace weft::inline v0::detail {

// Prepares the stack that ends at `top` (16-byte aligned, exclusive) so that the first weft_switch to the returned stack
// pointer calls entry(value). entry never returns, and an exception that leaves it terminates at the throw, with all frames
// in place. Writes one parked frame below top; floating-point control starts at the ABI's defaults, with the inexact flag
// raised (see context.hpp).
void* make_naked_context(void* top, void (*entry)(void*)) noexcept;

// For systems that want to know the stack a thread is on: that of a context that make_naked_context has just made has
// [limit, top) for its frames; below are what a handler of its overflow may use, and, from `lowest` on, a page that nobody may.
#if defined(_WIN32)
void tell_stack_limits(void* parked_sp, void* limit, void* lowest) noexcept;
#else
inline void tell_stack_limits(void* /*parked_sp*/, void* /*limit*/, void* /*lowest*/) noexcept {}
#endif

}  // namespace weft::inline v0::detail
