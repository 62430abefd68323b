// Free stacks shared by all caches: warm ones, with pages, in bundles per class; beyond a high-water mark they are
// cooled: their pages go back to the system and their slots become cold (slab.hpp).
#pragma once
#include <cstddef>       // size_t
#include <system_error>  // error_code

#include "stack/stack.hpp"  // stack, slot_claim

namespace weft::inline v0::detail {

// 32,768 stacks: 128 MiB of top pages, and at most four times as much, as the depot keeps no more than the top 16 KiB of
// each. Bursts of that size come back at full speed; what a larger one leaves behind is given back.
inline constexpr std::size_t default_depot_high_water = 32768;

// A bundle of warm stacks, newest first, or null. Bundles carry their count in the first stack.
stack* take_bundle(unsigned size_class) noexcept;
void put_bundle(stack* first) noexcept;

// As put_bundle, after giving back what deep calls touched below the top 16 KiB of each stack.
void store_bundle(stack* first) noexcept;

// Cold slots, opening fresh ones when there are none.
std::error_code claim_slots(unsigned size_class, slot_claim& claim) noexcept;

// Takes the pages of some stacks if more are warm than the mark allows. False when there was nothing to do.
bool cool_some() noexcept;

// Some cache could get no stack of these classes (one bit each): others should give up what they hoard.
std::uint32_t scarce_classes() noexcept;
void set_scarce(unsigned size_class, bool scarce) noexcept;

}  // namespace weft::inline v0::detail
