// Who holds which mutex, while debug checks are on: a mutex itself keeps no owner, its eight bytes are the queue's.
#include <array>          // shards
#include <cstdint>        // uintptr_t
#include <cstring>        // memcpy
#include <mutex>          // lock_guard
#include <new>            // bad_alloc
#include <unordered_map>  // owners

#include <weft/base/spin_lock.hpp>    // spin_lock
#include <weft/sched/this_fiber.hpp>  // name
#include <weft/sync/mutex.hpp>

#include "base/check.hpp"
#include "sync/caller.hpp"

namespace weft::inline v0 {
namespace {

using namespace detail;

struct owner {
  const void* who;
  char name[32];
};

struct shard {
  spin_lock lock;
  std::unordered_map<const void*, owner> owners;
};

shard& shard_of(const void* m) noexcept {
  static auto* const shards = new std::array<shard, 64>;  // never destroyed: mutexes may be used by static destructors
  return (*shards)[reinterpret_cast<std::uintptr_t>(m) / alignof(mutex) % shards->size()];
}

}  // namespace

void mutex::note_owner() noexcept {
  shard& s = shard_of(this);
  try {
    owner me{this_caller(), {}};
    const std::string_view name = this_fiber::name();
    name.copy(me.name, sizeof me.name - 1);
    const std::lock_guard guard(s.lock);
    s.owners.insert_or_assign(this, me);
  } catch (const std::bad_alloc&) {  // then this one is not checked
  }
}

void mutex::check_before_lock() const noexcept {
  const void* const me = this_caller();
  shard& s = shard_of(this);
  const std::lock_guard guard(s.lock);
  const auto found = s.owners.find(this);
  WEFT_CHECK(found == s.owners.end() || found->second.who != me,
             "a mutex is locked by the fiber or thread that holds it already: it would wait for ever");
}

void mutex::forget_owner() noexcept {
  const void* const me = this_caller();
  shard& s = shard_of(this);
  const std::lock_guard guard(s.lock);
  const auto found = s.owners.find(this);
  if (found == s.owners.end()) return;  // locked before the checks were on
  WEFT_CHECK(found->second.who == me, "a mutex is unlocked by a fiber or thread that does not hold it; %s%s%s does",
             found->second.name[0] != '\0' ? "fiber '" : "an unnamed one", found->second.name,
             found->second.name[0] != '\0' ? "'" : "");
  s.owners.erase(found);
}

}  // namespace weft::inline v0
