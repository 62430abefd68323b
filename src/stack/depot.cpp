// Warm bundles under one spin lock per class. No lock is held across a system call: a bundle that is being trimmed or
// cooled belongs to the thread that took it out.
#include "stack/depot.hpp"

#include <algorithm>  // min
#include <mutex>      // lock_guard

#include <weft/base/atomic.hpp>

#include <weft/base/spin_lock.hpp>
#include "context/sanitizer.hpp"  // sanitizer_release_handle
#include "stack/guard.hpp"        // count_guards
#include "stack/os.hpp"           // advise_ranges
#include "stack/slab.hpp"         // cold slots
#include "stack/valgrind.hpp"     // let_valgrind_forget

namespace weft::inline v0::detail {
namespace {

struct alignas(WEFT_CACHE_LINE) shelf {
  spin_lock lock{lock_rank::pool};
  stack* bundles = nullptr;
};

constexpr unsigned cooled_at_once = 16;  // some 50 us: no longer than a fiber should wait for its worker
constexpr unsigned bundle_limit = 64;    // stacks_per_bundle() is never more
constexpr std::size_t kept_bytes = std::size_t{16} * 1024;

constinit shelf shelves[stack_classes];
constinit atomic<std::size_t> warm{0};
constinit atomic<std::size_t> high_water{default_depot_high_water};
constinit atomic<std::uint32_t> scarce{0};

std::byte* slot_end(stack& s) noexcept { return s.slot + stack_slot_bytes(s.size_class); }

// Splits the first `n` stacks off a longer bundle; `first` keeps them, the rest is returned.
stack* split(stack* first, std::uint32_t n) noexcept {
  stack* last = first;
  for (std::uint32_t i = 1; i < n; ++i) {
    last = last->next;
  }
  stack* const rest = last->next;
  rest->bundled = first->bundled - n;
  last->next = nullptr;
  first->bundled = n;
  return rest;
}

// What a cooled stack leaves to remember: its header goes with its page.
struct cooled {
  std::byte* slot;
  std::uint16_t slab;
};

// Cools the stacks of one bundle. \return what is left of it, still warm, if the system refused.
stack* cool(stack* first) noexcept {
  cooled slots[cooled_at_once] = {};
  iovec ranges[cooled_at_once] = {};
  stack* stacks[cooled_at_once] = {};
  std::uint32_t count = 0;
  for (stack* s = first; s != nullptr; s = s->next) {
    sanitizer_release_handle(s->tsan_fiber);
    let_valgrind_forget(s->valgrind_number);
    slots[count] = {.slot = s->slot, .slab = s->slab};
    ranges[count] = {s->limit, static_cast<std::size_t>(slot_end(*s) - s->limit)};
    stacks[count++] = s;
  }
  int error = 0;  // whatever it is (EINVAL on memory the program locked): those stacks stay warm
  const std::size_t done = advise_ranges(ranges, count, MADV_DONTNEED, true, error);
  for (std::size_t i = 0; i < done; ++i) {
    return_cold_slot(slots[i].slab, slots[i].slot);
  }
  if (done == count) {
    return nullptr;
  }
  for (std::size_t i = done; i < count; ++i) {
    stacks[i]->valgrind_number = tell_valgrind_of(stacks[i]->limit, stacks[i]->top());
  }
  stacks[done]->bundled = count - static_cast<std::uint32_t>(done);
  return stacks[done];
}

}  // namespace

stack* take_bundle(unsigned size_class) noexcept {
  shelf& from = shelves[size_class];
  const std::lock_guard hold(from.lock);
  stack* const first = from.bundles;
  if (first != nullptr) {
    from.bundles = first->next_bundle;
    warm.fetch_sub(first->bundled, memory_order_relaxed);  // relaxed: a figure; the lock publishes the stacks
  }
  return first;
}

void put_bundle(stack* first) noexcept {
  shelf& to = shelves[first->size_class];
  const std::lock_guard hold(to.lock);
  first->next_bundle = to.bundles;
  to.bundles = first;
  warm.fetch_add(first->bundled, memory_order_relaxed);  // relaxed: as in take_bundle()
}

void store_bundle(stack* first) noexcept {
  iovec ranges[bundle_limit] = {};
  std::size_t count = 0;
  if (stack_slot_bytes(first->size_class) - guard_bytes(stack_slot_bytes(first->size_class)) > kept_bytes) {
    for (stack* s = first; s != nullptr; s = s->next) {
      ranges[count++] = {s->limit, static_cast<std::size_t>(slot_end(*s) - s->limit) - kept_bytes};
    }
    int error = 0;  // pages that the system does not take back stay with their stack: no harm but memory
    static_cast<void>(advise_ranges(ranges, count, MADV_DONTNEED, true, error));
  }
  put_bundle(first);
}

std::error_code claim_slots(unsigned size_class, slot_claim& claim) noexcept {
  constexpr unsigned most = 32;  // half a group: what one cache may hoard without using it
  const unsigned want = std::min<unsigned>(most, stacks_per_bundle(size_class));
  while (!claim_cold_slots(size_class, want, claim)) {
    if (const std::error_code error = open_slots(size_class)) {
      return error;
    }
  }
  return {};
}

bool cool_some() noexcept {
  // relaxed, both: a figure and a setting; a stale one delays the cooling by a call
  if (warm.load(memory_order_relaxed) <= high_water.load(memory_order_relaxed)) {
    return false;
  }
  for (unsigned size_class = stack_classes; size_class-- != 0;) {  // the largest first: their pages are the most
    stack* const first = take_bundle(size_class);
    if (first == nullptr) {
      continue;
    }
    if (first->bundled > cooled_at_once) {
      put_bundle(split(first, cooled_at_once));
    }
    stack* const refused = cool(first);
    if (refused == nullptr) {
      return true;
    }
    put_bundle(refused);
    return false;  // so that callers who trim until there is nothing to do come to an end
  }
  return false;
}

std::uint32_t scarce_classes() noexcept { return scarce.load(memory_order_relaxed); }  // relaxed: a hint

void set_scarce(unsigned size_class, bool is_scarce) noexcept {
  const std::uint32_t bit = std::uint32_t{1} << size_class;
  if (((scarce_classes() & bit) != 0) == is_scarce) {
    return;  // the usual case writes nothing to the shared line
  }
  if (is_scarce) {
    scarce.fetch_or(bit, memory_order_relaxed);  // relaxed: a hint to other caches, read at their next trim
  } else {
    scarce.fetch_and(~bit, memory_order_relaxed);  // relaxed: as above
  }
}

void set_depot_high_water(std::size_t stacks) noexcept {
  high_water.store(stacks, memory_order_relaxed);  // relaxed: a setting
}

stack_stats read_stack_stats() noexcept {
  const slab_counts slabs = count_slabs();
  const guard_counts guards = count_guards();
  return {.slots_open = slabs.open,
          .slabs = slabs.slabs,
          .guards_by_markers = guards.markers,
          .guards_by_protect = guards.protect,
          .unguarded = guards.none,
          .depot_warm = warm.load(memory_order_relaxed),  // relaxed: a figure
          .depot_cold = slabs.cold};
}

}  // namespace weft::inline v0::detail
