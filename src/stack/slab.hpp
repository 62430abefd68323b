// Address space for stacks: large reservations (slabs) that are opened slot by slot from the bottom, and the record of
// which slots are cold, that is open and guarded but without pages and in nobody's hands.
//
// A cold slot is one bit outside the slot: its own memory must stay untouched. 64 slots make a group of three words.
#pragma once
#include <cstddef>       // byte, size_t
#include <cstdint>       // fixed-width integers
#include <system_error>  // error_code

#include <weft/base/atomic.hpp>

#include "stack/stack.hpp"  // slot_claim, stack_classes

namespace weft::inline v0::detail {

inline constexpr unsigned max_slabs = 4096;  // 2048 of 64 GiB fill the address space; small ones stem from rlimits

// A claim of up to `want` cold slots of one group. False when there are none. No system call.
bool claim_cold_slots(unsigned size_class, unsigned want, slot_claim& claim) noexcept;

// Gives back what is left of a claim, or one slot that lost its pages.
void return_claim(unsigned size_class, slot_claim& claim) noexcept;
void return_cold_slot(std::uint16_t slab, std::byte* slot) noexcept;

// Opens and guards some more slots: afterwards there are cold ones, unless another thread was faster.
std::error_code open_slots(unsigned size_class) noexcept;

// The slot that holds `address`, and its size; null outside the open part of all slabs. Async-signal-safe, lock-free.
std::byte* find_slot(const void* address, std::size_t& slot_bytes) noexcept;

struct slab_counts {
  std::size_t slabs = 0, open = 0, cold = 0;
};
slab_counts count_slabs() noexcept;

}  // namespace weft::inline v0::detail
