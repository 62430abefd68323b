// The switch for expensive checks, and the locks that each thread holds while it is on.
#include <weft/base/debug_checks.hpp>

#include <cstdlib>     // getenv
#include <functional>  // less

#include "base/check.hpp"

namespace weft::inline v0::detail {
namespace {

#ifdef NDEBUG
constexpr bool on_by_default = false;
#else
constexpr bool on_by_default = true;
#endif

// WEFT_CHECKS=0 or 1; anything else is reported when a runtime is made.
bool wanted() noexcept {
  const char* v = std::getenv("WEFT_CHECKS");
  return v == nullptr || v[0] == '\0' || v[1] != '\0' ? on_by_default : v[0] == '1';
}

constexpr unsigned most_held = 16;

struct held_locks {
  struct one {
    const void* lock;
    lock_rank rank;
  };
  one locks[most_held];
  unsigned count;
};
// No fiber switch happens while a lock is held, so that an address taken here is not held over one.
thread_local held_locks held{};

bool nests_in_its_own(lock_rank rank, const void* outer, const void* inner) noexcept {
  if (rank == lock_rank::stop_tree) return true;
  return rank == lock_rank::channel && std::less<>()(outer, inner);
}

}  // namespace

atomic<bool> debug_checks_on{wanted()};

void note_lock(const void* lock, lock_rank rank) noexcept {
  if (held.count != 0) {
    const held_locks::one& last = held.locks[held.count - 1];
    const bool nests = rank > last.rank || (rank == last.rank && nests_in_its_own(rank, last.lock, lock));
    WEFT_CHECK(nests, "lock order: a lock of rank %d (%p) is taken while one of rank %d (%p) is held",
               static_cast<int>(rank), lock, static_cast<int>(last.rank), last.lock);
    if (held.count == most_held) {
      WEFT_CHECK(rank == lock_rank::channel, "lock order: %u locks are held at once", held.count);
      return;  // a select of many channels: the first ones are enough to know that locks are held, and of which rank
    }
  }
  held.locks[held.count++] = {lock, rank};
}

void note_unlock(const void* lock) noexcept {
  for (unsigned i = held.count; i-- > 0;) {
    if (held.locks[i].lock != lock) continue;
    for (; i + 1 < held.count; ++i) held.locks[i] = held.locks[i + 1];
    --held.count;
    return;
  }
}

void check_no_lock_held(const char* what) noexcept {
  WEFT_CHECK(held.count == 0, "a fiber is suspended (%s) while its thread holds a lock of rank %d (%p)", what,
             static_cast<int>(held.locks[held.count - 1].rank), held.locks[held.count - 1].lock);
}

}  // namespace weft::inline v0::detail
