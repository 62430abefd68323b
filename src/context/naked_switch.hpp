// The out-of-line switch: making a context for it. The switch itself is in weft/context/naked_switch.hpp.
#pragma once
#include <weft/context/naked_switch.hpp>

namespace weft::inline v0::detail {

// Prepares the stack that ends at `top` (16-byte aligned, exclusive) so that the first weft_switch to the returned stack
// pointer calls entry(value). entry never returns, and an exception that leaves it terminates at the throw, with all frames
// in place. Writes one parked frame below top; floating-point control starts at the ABI's defaults, with the inexact flag
// raised (see context.hpp).
void* make_naked_context(void* top, void (*entry)(void*)) noexcept;

}  // namespace weft::inline v0::detail
