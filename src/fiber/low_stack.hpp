// Stacks for coroutines that belong to no worker: one cache for the process, behind a lock.
#pragma once
#include <cstddef>  // size_t

#include "stack/stack.hpp"  // stack

namespace weft::inline v0::detail {

// A stack of at least `bytes`, slot included. \throws std::invalid_argument out of range, std::system_error none to be had
stack& acquire_low_stack(std::size_t bytes);
void release_low_stack(stack& s) noexcept;

}  // namespace weft::inline v0::detail
