// The memory calls of stacks and timers, behind one table: production code calls through it, tests replace it to fail the
// k-th call of each kind. Every function answers 0 or an errno value, so that no caller reads errno late.
#pragma once
#include <cstddef>     // size_t
#include <sys/uio.h>   // iovec
#include <sys/mman.h>  // PROT_*, MAP_*, MADV_*

namespace weft::inline v0::detail {

inline constexpr int madv_guard_install = 102;  // MADV_GUARD_INSTALL, Linux 6.13; the C library's headers are older

struct os_calls {
  int (*map)(std::size_t bytes, int protection, void*& out) noexcept;  // private, anonymous, not reserved
  int (*unmap)(void* address, std::size_t bytes) noexcept;
  // Grows a mapping, moving it if it must: what it holds keeps its pages.
  int (*remap)(void* address, std::size_t bytes, std::size_t larger, void*& out) noexcept;
  int (*protect)(void* address, std::size_t bytes, int protection) noexcept;
  int (*advise)(void* address, std::size_t bytes, int advice) noexcept;
  // One call for many ranges of this process; `advised` receives how many bytes, from the first range on, were done.
  int (*advise_many)(const iovec* ranges, std::size_t count, int advice, std::size_t& advised) noexcept;
  int (*unlock)(void* address, std::size_t bytes) noexcept;
  int (*residency)(void* address, std::size_t bytes, unsigned char* pages) noexcept;
  int (*read_by_kernel)(const void* address) noexcept;  // EFAULT when the kernel cannot read there
  std::size_t (*max_mappings)() noexcept;               // vm.max_map_count
};

extern const os_calls real_os;

// The table in use. Replaced by tests only, while no other thread uses this layer; null restores the real one.
const os_calls& os() noexcept;
void set_os_for_tests(const os_calls* calls) noexcept;

// Advises ranges in order, by one call where the kernel can, else one by one.
// \return how many ranges, from the first, are done; `error` says why the next one is not.
std::size_t advise_ranges(const iovec* ranges, std::size_t count, int advice, bool try_many, int& error) noexcept;

inline constexpr std::size_t page_bytes = 4096;  // others are refused where stacks are reserved: slab.cpp

}  // namespace weft::inline v0::detail
