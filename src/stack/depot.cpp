// Warm bundles under one spin lock per class, in two generations and the settled ones. No lock is held across a system
// call: a bundle that settles belongs to the thread that took it out.
//
// Ageing costs put_bundle() neither a clock nor a stamp: each linger the old generation, which nobody has asked for since
// the last turn, settles, and then the young one becomes the old one. Taking goes from young to old to settled.
#include "stack/depot.hpp"

#include <algorithm>  // max, min
#include <mutex>      // lock_guard
#include <sched.h>    // sched_yield
#include <utility>    // exchange

#include <weft/base/atomic.hpp>

#include <weft/base/spin_lock.hpp>
#include "stack/give_back.hpp"  // cool_bundle, drop_deep_pages
#include "stack/guard.hpp"      // count_guards
#include "stack/slab.hpp"       // cold slots
#include "stack/tending.hpp"    // only one thread at a time

namespace weft::inline v0::detail {
namespace {

using std::chrono::steady_clock;

struct alignas(WEFT_CACHE_LINE) shelf {
  spin_lock lock{lock_rank::pool};
  stack* young = nullptr;    // put since the last turn
  stack* old = nullptr;      // put before it
  stack* settled = nullptr;  // without deep pages, and no more than the mark
  steady_clock::time_point turned;
};

constinit shelf shelves[stack_classes];
// Stacks, written under some class's lock. Relaxed wherever they are read: figures, and a stale one delays a step by a call.
constinit atomic<std::size_t> unsettled_count{0};
constinit atomic<std::size_t> settled_count{0};
constinit atomic<std::size_t> high_water{default_depot_high_water};
constinit atomic<std::int64_t> linger_ns{default_depot_linger.count()};
constinit atomic<std::uint32_t> scarce{0};

std::size_t count_warm() noexcept {
  return unsettled_count.load(memory_order_relaxed) + settled_count.load(memory_order_relaxed);  // relaxed: see there
}

std::chrono::nanoseconds linger() noexcept {
  return std::chrono::nanoseconds(linger_ns.load(memory_order_relaxed));  // relaxed: a setting
}

// \pre the shelf's lock is held; not empty
stack* pop(stack*& bundles, atomic<std::size_t>& count) noexcept {
  stack* const first = std::exchange(bundles, bundles->next_bundle);
  count.fetch_sub(first->bundled, memory_order_relaxed);  // relaxed: a figure; the lock publishes the stacks
  return first;
}

void push(stack* first, stack*& bundles, atomic<std::size_t>& count) noexcept {
  first->next_bundle = std::exchange(bundles, first);
  count.fetch_add(first->bundled, memory_order_relaxed);  // relaxed: as in pop()
}

stack* pop_any(shelf& from) noexcept {
  if (from.young != nullptr) return pop(from.young, unsettled_count);
  if (from.old != nullptr) return pop(from.old, unsettled_count);
  return from.settled != nullptr ? pop(from.settled, settled_count) : nullptr;
}

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

void settle(shelf& on, stack* first) noexcept {
  const std::lock_guard hold(on.lock);
  push(first, on.settled, settled_count);
}

// Cools the first stacks of a bundle of `from`, no longer on it. \return false if the system refused: then they stay.
bool cool(shelf& from, stack* first) noexcept {
  if (first->bundled > cooled_at_once) {
    stack* const rest = split(first, cooled_at_once);
    const std::lock_guard hold(from.lock);
    push(rest, from.old, unsettled_count);
  }
  stack* const refused = cool_bundle(first);
  if (refused == nullptr) return true;
  settle(from, refused);
  return false;
}

// \return whether something was done
bool tend(shelf& of, steady_clock::time_point now) noexcept {
  stack* first = nullptr;
  {
    const std::lock_guard hold(of.lock);
    if ((of.young == nullptr && of.old == nullptr) || now - of.turned < linger()) return false;
    if (of.old == nullptr) {
      of.old = std::exchange(of.young, nullptr);
      of.turned = now;
      return true;
    }
    first = pop(of.old, unsettled_count);
  }
  // relaxed, both: see there
  if (settled_count.load(memory_order_relaxed) + first->bundled > high_water.load(memory_order_relaxed)) {
    static_cast<void>(cool(of, first));  // what is refused has settled: the old ones come to an end all the same
  } else {
    drop_deep_pages(first);
    settle(of, first);
  }
  return true;
}

// Cools some of what `from` has, settled ones first. \return whether it could
bool shrink(shelf& from, bool also_unsettled) noexcept {
  stack* first = nullptr;
  {
    const std::lock_guard hold(from.lock);
    if (from.settled != nullptr) {
      first = pop(from.settled, settled_count);
    } else if (also_unsettled) {
      first = pop_any(from);
    }
  }
  return first != nullptr && cool(from, first);
}

// The largest first, as their pages are the most. Ends with the first class for which `step` does something.
template <class Step>
bool for_some_class(Step&& step) noexcept {
  for (unsigned size_class = stack_classes; size_class-- != 0;) {
    if (step(shelves[size_class])) return true;
  }
  return false;
}

}  // namespace

stack* take_bundle(unsigned size_class) noexcept {
  shelf& from = shelves[size_class];
  const std::lock_guard hold(from.lock);
  return pop_any(from);
}

void put_bundle(stack* first) noexcept {
  shelf& to = shelves[first->size_class];
  const std::lock_guard hold(to.lock);
  push(first, to.young, unsettled_count);
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

bool tend_depot() noexcept {
  const auto beyond_mark = [] {  // somebody has lowered it
    // relaxed: both are figures
    return settled_count.load(memory_order_relaxed) > high_water.load(memory_order_relaxed);
  };
  if (unsettled_count.load(memory_order_relaxed) == 0 && !beyond_mark()) {  // relaxed: see there
    return false;
  }
  const tending only_one;
  if (!only_one) return false;
  const auto now = steady_clock::now();
  return for_some_class([&](shelf& of) { return tend(of, now); }) ||
         (beyond_mark() && for_some_class([](shelf& from) { return shrink(from, false); }));
}

steady_clock::time_point depot_due() noexcept {
  auto due = steady_clock::time_point::max();
  if (unsettled_count.load(memory_order_relaxed) == 0) return due;  // relaxed: see there
  for (shelf& of : shelves) {
    const std::lock_guard hold(of.lock);
    if (of.young != nullptr || of.old != nullptr) due = std::min(due, of.turned + linger());
  }
  return std::max(due, steady_clock::now() + linger() / 2);
}

void shrink_depot() noexcept {
  for (;;) {
    const tending only_one;
    if (!only_one) {
      ::sched_yield();
      continue;
    }
    while (count_warm() > high_water.load(memory_order_relaxed)) {  // relaxed: a setting
      if (!for_some_class([](shelf& from) { return shrink(from, true); })) return;
    }
    return;
  }
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

void set_depot_linger(std::chrono::nanoseconds time) noexcept {
  linger_ns.store(time.count(), memory_order_relaxed);  // relaxed: a setting
}

stack_stats read_stack_stats() noexcept {
  const slab_counts slabs = count_slabs();
  const guard_counts guards = count_guards();
  return {.slots_open = slabs.open,
          .slabs = slabs.slabs,
          .guards_by_markers = guards.markers,
          .guards_by_protect = guards.protect,
          .unguarded = guards.none,
          .depot_warm = count_warm(),
          .depot_cold = slabs.cold};
}

}  // namespace weft::inline v0::detail
