// The first touch of many new stacks by one call of the system, instead of a page fault for each.
#pragma once
#include <cstdint>  // uint32_t, uint64_t

#include "stack/stack.hpp"  // slot_claim

namespace weft::inline v0::detail {

// Brings in the top pages of the first slots of a claim, which is to be used in order. `made` says how many stacks the
// caller has made already: no more than half as many are touched, as a program with few fibers shall not pay for stacks that
// it does not use; and no more than 16. \return the touched ones, as a mask like claim.slots; none where few are wanted or
// the kernel cannot do it: the use of each stack then touches it.
std::uint64_t touch_ahead(unsigned size_class, const slot_claim& claim, std::uint64_t made) noexcept;

}  // namespace weft::inline v0::detail
