// What a recycled stack still holds of its last user, and how deep a stack was used: both ask which pages are resident.
#pragma once
#include "stack/stack.hpp"  // stack, stack_scrub

namespace weft::inline v0::detail {

// Removes the traces of the last user, as `how` says. The header stays as it is. \pre nothing runs on `s`
void scrub_stack(stack& s, stack_scrub how) noexcept;

}  // namespace weft::inline v0::detail
