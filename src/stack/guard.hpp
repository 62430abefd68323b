// Guards: what stops a stack from growing into its neighbour, and which kind can be had.
//
// Three kinds, tried in this order for every batch: markers in the page table (no extra mapping), a protected range
// (two mappings each, until three quarters of the system's limit are used), and none but a canary, warned about once.
#pragma once
#include <cstddef>  // byte, size_t
#include <cstdint>  // uint64_t

#include "stack/stack.hpp"  // guard_kind, stack

namespace weft::inline v0::detail {

// 64 KiB where the slot allows, so that a frame of up to that size cannot jump it; else a quarter of the slot, in pages.
constexpr std::size_t guard_bytes(std::size_t slot_bytes) noexcept {
  constexpr std::size_t wanted = std::size_t{64} * 1024;
  return slot_bytes >= 4 * wanted ? wanted : slot_bytes / 4 / 4096 * 4096;
}

// Which kind the slots of one batch got: bit i for slot i; in neither mask: none.
struct guard_masks {
  std::uint64_t markers = 0;
  std::uint64_t protect = 0;
};

// Guards `count` <= 64 open slots from `first` on. Never fails: what cannot be guarded is reported as such, and warned
// about once. \pre the caller holds the lock under which slots are opened.
guard_masks install_guards(std::byte* first, std::size_t slot_bytes, unsigned count) noexcept;

// What the probe found: markers are in force (a read by the kernel of a marked page failed), by one call for many too.
struct guard_support {
  bool known = false;  // false: no page could be had to probe with, ask again later
  bool markers = false;
  bool many = false;
};
guard_support probe_guard_markers() noexcept;

// The canary of an unguarded stack: the bytes just below its limit, which nothing legal ever writes. They must read as
// zero: that is what an untouched page holds, so the canary costs no page. fatal() when they do not.
inline constexpr std::size_t canary_bytes = 128;
void check_canary(const stack& s) noexcept;

struct guard_counts {
  std::size_t markers = 0, protect = 0, none = 0;
};
guard_counts count_guards() noexcept;

// For tests: the first kind to try, and how many mappings may be used by protected guards (0: ask the system).
struct guard_policy {
  guard_kind first = guard_kind::markers;
  std::size_t mapping_budget = 0;
};
void set_guard_policy_for_tests(const guard_policy& policy) noexcept;  // also forgets the probe's answer

}  // namespace weft::inline v0::detail
