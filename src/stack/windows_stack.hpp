// Stacks on Windows: one reservation each. All pages are committed at once, so that no page has to be grown into, and below
// them lies what tells of an overflow as on a thread's own stack.
//
//   slot                                                      limit                       header = top
//   | reserved, never committed | guard pages, one shot        | frames                   | struct stack |
//     4 KiB                       overflow_bytes
#pragma once
#include <cstddef>       // size_t
#include <system_error>  // error_code

#include "stack/stack.hpp"  // stack

namespace weft::inline v0::detail {

// What a handler of an overflow has to run on: the record of an exception takes 2 KiB, 5 with the registers of AVX-512.
inline constexpr std::size_t overflow_bytes = std::size_t{12} * 1024;

// A stack of the class, guarded; null when the system refuses: `error` says why.
stack* map_stack(unsigned size_class, std::error_code& error) noexcept;
void unmap_stack(stack& s) noexcept;

// Makes guard pages of those that an overflow has used up. \return false when the system refuses
bool guard_again(stack& s) noexcept;

}  // namespace weft::inline v0::detail
