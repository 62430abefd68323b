// The table of holders: sharded by the lock's address, an entry for each lock that is held now.
//
// A holder enters itself when it has the lock and leaves before it gives it back. So an entry never names a stranger, and a
// lock without an entry was taken before the checks were on.
#include "sync/lock_owners.hpp"

#include <algorithm>      // find_if
#include <array>          // shards
#include <cstdint>        // uintptr_t
#include <mutex>          // lock_guard
#include <new>            // bad_alloc
#include <unordered_map>  // holders by lock
#include <vector>         // readers

#include <weft/base/atomic.hpp>
#include <weft/base/spin_lock.hpp>    // spin_lock
#include <weft/sched/this_fiber.hpp>  // name
#include <weft/sync/mutex.hpp>
#include <weft/sync/shared_mutex.hpp>

#include "base/check.hpp"
#include "sync/caller.hpp"

namespace weft::inline v0 {
namespace detail {
namespace {

struct holder {
  const void* who;
  char name[32];
};

struct held_lock {
  hold how = hold::alone;
  std::vector<holder> by;  // one, or readers; a reader that has locked twice is in it twice

  auto find(const void* who) {
    return std::find_if(by.begin(), by.end(), [who](const holder& h) { return h.who == who; });
  }
};

struct shard {
  spin_lock lock;
  std::unordered_map<const void*, held_lock> locks;
};

shard& shard_of(const void* lock) noexcept {
  static auto* const shards = new std::array<shard, 64>;  // never destroyed: locks may be used by static destructors
  return (*shards)[reinterpret_cast<std::uintptr_t>(lock) / alignof(mutex) % shards->size()];
}

atomic<bool> incomplete{false};  // somebody could not be entered: an absence proves nothing any more

bool complete() noexcept {
  return !incomplete.load(memory_order_relaxed);  // relaxed: of what the caller itself did, or under the shard's lock
}

}  // namespace

void note_holder(const void* lock, hold how) noexcept {
  shard& s = shard_of(lock);
  try {
    holder me{this_caller(), {}};
    const std::string_view name = this_fiber::name();
    name.copy(me.name, sizeof me.name - 1);
    const std::lock_guard guard(s.lock);
    held_lock& held = s.locks[lock];
    held.how = how;
    held.by.push_back(me);
  } catch (const std::bad_alloc&) {
    incomplete.store(true, memory_order_relaxed);  // relaxed: see complete()
  }
}

void forget_holder(const void* lock, const char* what) noexcept {
  const void* const me = this_caller();
  shard& s = shard_of(lock);
  const std::lock_guard guard(s.lock);
  const auto found = s.locks.find(lock);
  if (found == s.locks.end()) return;
  held_lock& held = found->second;
  const auto mine = held.find(me);
  if (mine == held.by.end()) {
    if (held.by.empty() || !complete()) return;
    const char* const name = held.by.front().name;
    fatal("a %s is unlocked by a fiber or thread that does not hold it; %s%s%s does", what,
          name[0] != '\0' ? "fiber '" : "an unnamed one", name, name[0] != '\0' ? "'" : "");
  }
  held.by.erase(mine);
  if (held.by.empty()) s.locks.erase(found);
}

void check_before_waiting(const void* lock, hold wanted, const char* what) noexcept {
  const void* const me = this_caller();
  shard& s = shard_of(lock);
  const std::lock_guard guard(s.lock);
  const auto found = s.locks.find(lock);
  if (found == s.locks.end() || found->second.find(me) == found->second.by.end()) return;
  WEFT_CHECK(wanted == hold::shared && found->second.how == hold::shared,
             "a %s is locked by the fiber or thread that holds it already: it would wait for ever", what);
}

}  // namespace detail

void mutex::note_owner() noexcept { detail::note_holder(this, detail::hold::alone); }
void mutex::forget_owner() noexcept { detail::forget_holder(this, "mutex"); }
void mutex::check_before_lock() const noexcept { detail::check_before_waiting(this, detail::hold::alone, "mutex"); }

void shared_mutex::note_writer() noexcept { detail::note_holder(this, detail::hold::alone); }
void shared_mutex::note_reader() noexcept { detail::note_holder(this, detail::hold::shared); }
void shared_mutex::forget_writer() noexcept { detail::forget_holder(this, "shared mutex"); }
void shared_mutex::forget_reader() noexcept { detail::forget_holder(this, "shared mutex"); }

}  // namespace weft::inline v0
