// Free stacks shared by all caches: warm ones, with pages, in bundles per class. What nobody has asked for during a
// while settles: deep pages go back to the system, and beyond a high-water mark all pages, so that their slots become cold
// (slab.hpp). Thread-safe.
#pragma once
#include <chrono>        // steady_clock
#include <cstddef>       // size_t
#include <system_error>  // error_code

#include "stack/stack.hpp"  // stack, slot_claim

namespace weft::inline v0::detail {

// 32,768 stacks: 128 MiB of top pages, and at most four times as much, as what has settled keeps no more than the top 16 KiB
// of each.
inline constexpr std::size_t default_depot_high_water = 32768;

// Bursts come back within a second or not soon. A bundle settles between one and two of these after its last use.
inline constexpr std::chrono::nanoseconds default_depot_linger = std::chrono::seconds(1);

// A bundle of warm stacks, or null: of those put last. Bundles carry their count in the first stack. No system call.
stack* take_bundle(unsigned size_class) noexcept;
void put_bundle(stack* first) noexcept;

// Cold slots, opening fresh ones when there are none.
std::error_code claim_slots(unsigned size_class, slot_claim& claim) noexcept;

// One step of what is due: a bundle settles, some 50 us. One thread at a time does it; the others are told that there is
// nothing to do. \return false when there was nothing
bool tend_depot() noexcept;

// When tend_depot() will have something to do, for those who are about to sleep; the far end of the clock for never. It is
// never less than half a linger from now: what is due already, somebody else is at.
std::chrono::steady_clock::time_point depot_due() noexcept;

// Cools all that exceeds the mark, however lately it was used: for the end of a runtime, after which nobody may tend.
void shrink_depot() noexcept;

// Some cache could get no stack of these classes (one bit each): others should give up what they hoard.
std::uint32_t scarce_classes() noexcept;
void set_scarce(unsigned size_class, bool scarce) noexcept;

}  // namespace weft::inline v0::detail
