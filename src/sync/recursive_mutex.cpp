// Recursive mutexes: a mutex, and beside it who holds it.
//
// The owner is compared with the caller before the mutex is touched. It can only be equal to the caller if the caller
// itself has written it and not taken it back since: so no order is needed, and a stale value does no harm. But the caller
// comes first: a plain thread gets its name with its first call, perhaps that of a thread which has just ended, and which
// a look at the owner from before that could still show.
#include <weft/sync/recursive_mutex.hpp>

#include <system_error>  // system_error

#include "base/check.hpp"
#include "sync/caller.hpp"

namespace weft::inline v0::detail {

recursion::entry recursion::enter() {
  const void* const me = this_caller();                                 // before the look at the owner
  if (owner_.load(memory_order_relaxed) != me) return entry::not_held;  // relaxed: equal only if this caller wrote it
  if (levels_ == most_levels) return entry::too_deep;
  ++levels_;
  return entry::once_more;
}

void recursion::take() noexcept {
  owner_.store(this_caller(), memory_order_relaxed);  // relaxed: matters to this caller only
  levels_ = 1;
}

bool recursion::leave() noexcept {
  const void* const me = this_caller();
  const bool mine = owner_.load(memory_order_relaxed) == me;  // relaxed: equal only if this caller wrote it
  WEFT_CHECK(mine, "unlock of a recursive mutex that the caller does not hold");
  if (--levels_ != 0) return false;
  owner_.store(nullptr, memory_order_relaxed);  // relaxed: matters to this caller only
  return true;
}

void recursion::throw_too_deep() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          "weft: a recursive mutex is locked too often");
}

}  // namespace weft::inline v0::detail
