/// \file   weft/base/debug_checks.hpp
/// \brief  Whether checks that cost something on hot paths are on: in debug builds of the library, or with WEFT_CHECKS=1.
#pragma once
#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

WEFT_EXPORT extern atomic<bool> debug_checks_on;  ///< set when the program starts

[[gnu::always_inline]] inline bool debug_checks() noexcept {
  return debug_checks_on.load(memory_order_relaxed);  // relaxed: does not change while threads run
}

/// The order in which the library's own locks may nest: only inward, to a larger number. Locks of the tree of stops nest
/// among themselves, from parent to child; those of channels in the order of their addresses. Channels come first: values
/// are moved under them, by code of the user's that may use the rest of the library. Lists are those inside the words of
/// the other primitives.
enum class lock_rank : unsigned char { channel = 0, runtime = 1, stop_tree = 2, pool = 3, leaf = 4, list = 5 };

/// Of the calling thread; abort with a report when the order is broken. No fiber is suspended between the two.
WEFT_EXPORT void note_lock(const void* lock, lock_rank rank) noexcept;
WEFT_EXPORT void note_unlock(const void* lock) noexcept;
/// Aborts when the calling thread, about to switch fibers, holds one of the library's locks.
void check_no_lock_held(const char* what) noexcept;

}  // namespace weft::inline v0::detail
