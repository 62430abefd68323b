// A worker's magazine: everything but the fast paths of take() and put(), which are in the header.
//
// put() seals a bundle whenever it is full, so that trim() moves whole bundles and never walks a list. The magazine
// keeps three sealed bundles and the open one, 256 default stacks; bundles of large stacks are smaller.
#include <bit>      // countr_zero
#include <new>      // placement new
#include <utility>  // exchange

#include "stack/depot.hpp"  // bundles, claims
#include "stack/guard.hpp"  // guard_bytes
#include "stack/scrub.hpp"  // scrub_stack
#include "stack/slab.hpp"   // return_claim
#include "stack/stack.hpp"
#include "stack/touch_ahead.hpp"
#include "stack/valgrind.hpp"  // tell_valgrind_of

namespace weft::inline v0::detail {
namespace {

constexpr std::uint32_t kept_bundles = 3;

// Top ends differ by up to 960 bytes, so that the first frames of many stacks do not fall into the same cache sets.
// Neighbours differ, and so do slots a power of two apart.
constexpr std::size_t colour_of(std::uint32_t slot_number) noexcept {
  return ((slot_number ^ (slot_number >> 4) ^ (slot_number >> 8)) & 15) * 64;
}

// The first touch of the slot's top page, unless it was touched ahead.
stack* make_stack(unsigned size_class, slot_claim& claim) noexcept {
  const auto i = static_cast<unsigned>(std::countr_zero(claim.slots));
  const std::uint64_t bit = std::uint64_t{1} << i;
  const std::size_t slot_bytes = stack_slot_bytes(size_class);
  std::byte* const slot = claim.first + i * slot_bytes;
  claim.slots &= ~bit;
  stack* const s = ::new (slot + slot_bytes - sizeof(stack) - colour_of(claim.number + i)) stack;
  s->limit = slot + guard_bytes(slot_bytes);
  s->slot = slot;
  s->slab = claim.slab;
  s->size_class = static_cast<std::uint8_t>(size_class);
  s->guard = (claim.markers & bit) != 0   ? guard_kind::markers
             : (claim.protect & bit) != 0 ? guard_kind::protect
                                          : guard_kind::none;
  s->valgrind_number = tell_valgrind_of(s->limit, s->top());
  return s;
}

}  // namespace

void stack_cache::return_all() noexcept {
  for (unsigned size_class = 0; size_class < stack_classes; ++size_class) {
    return_everything(size_class);
  }
}

void stack_cache::return_everything(unsigned size_class) noexcept {
  shelf& of = shelves_[size_class];
  while ((of.fresh.slots & of.fresh.touched) != 0) {  // with a page they are no cold slots any more
    put(make_stack(size_class, of.fresh));
  }
  return_claim(size_class, of.fresh);
  if (of.free != nullptr) {
    of.free->bundled = std::exchange(of.count, 0);
    put_bundle(std::exchange(of.free, nullptr));
  }
  for (stack* bundle = std::exchange(of.full, nullptr); bundle != nullptr;) {
    put_bundle(std::exchange(bundle, bundle->next_bundle));
  }
  of.full_count = 0;
}

void stack_cache::seal_bundle(shelf& of) noexcept {
  of.free->bundled = std::exchange(of.count, 0);
  of.free->next_bundle = of.full;
  of.full = std::exchange(of.free, nullptr);
  surplus_ |= ++of.full_count > kept_bundles;
}

// Nothing in the open bundle, or stacks are to be scrubbed.
stack* stack_cache::take_slow(unsigned size_class, std::error_code& error) noexcept {
  shelf& from = shelves_[size_class];
  if (from.free == nullptr) {
    stack* bundle = from.full;
    if (bundle != nullptr) {
      from.full = bundle->next_bundle;
      --from.full_count;
    } else if (from.fresh.slots == 0) {
      bundle = take_bundle(size_class);
      if (bundle != nullptr) {
        set_scarce(size_class, false);  // whoever still starves says so again
      }
    }
    if (bundle != nullptr) {
      from.free = bundle;
      from.count = bundle->bundled;
    }
  }
  if (stack* const s = from.free; s != nullptr) {
    from.free = s->next;
    --from.count;
    scrub_stack(*s, scrub_);
    return s;
  }
  if (from.fresh.slots == 0) {
    if ((error = claim_slots(size_class, from.fresh))) {
      set_scarce(size_class, true);
      return nullptr;
    }
    set_scarce(size_class, false);
  }
  if ((from.fresh.slots & from.fresh.touched) == 0) {
    from.fresh.touched = touch_ahead(size_class, from.fresh, from.made);
  }
  ++from.made;
  return make_stack(size_class, from.fresh);
}

bool stack_cache::trim() noexcept {
  if (const std::uint32_t scarce = scarce_classes(); scarce != 0) [[unlikely]] {
    bool gave = false;
    for (unsigned size_class = 0; size_class < stack_classes; ++size_class) {
      if ((scarce >> size_class & 1) != 0) {
        gave |= !empty(size_class) || shelves_[size_class].fresh.slots != 0;
        return_everything(size_class);
      }
    }
    if (gave) {
      return true;
    }
  }
  if (surplus_) {
    surplus_ = false;
    for (shelf& of : shelves_) {
      if (of.full_count > kept_bundles) {
        surplus_ = true;  // there may be more: the next call looks
        stack* last_kept = of.full;
        for (std::uint32_t i = 1; i < kept_bundles; ++i) {
          last_kept = last_kept->next_bundle;
        }
        stack* const moved = last_kept->next_bundle;
        last_kept->next_bundle = moved->next_bundle;
        --of.full_count;
        put_bundle(moved);
        return true;
      }
    }
  }
  return false;
}

}  // namespace weft::inline v0::detail
