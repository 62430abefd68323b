// One call of the system for the stacks of a bundle.
#include "stack/give_back.hpp"

#include <cstddef>  // size_t

#include "context/sanitizer.hpp"  // sanitizer_release_handle
#include "stack/guard.hpp"        // guard_bytes
#include "stack/os.hpp"           // advise_ranges
#include "stack/slab.hpp"         // return_cold_slot
#include "stack/valgrind.hpp"     // let_valgrind_forget

namespace weft::inline v0::detail {
namespace {

constexpr unsigned bundle_limit = 64;  // stacks_per_bundle() is never more
constexpr std::size_t kept_bytes = std::size_t{16} * 1024;

std::byte* slot_end(stack& s) noexcept { return s.slot + stack_slot_bytes(s.size_class); }

// What a cooled stack leaves to remember: its header goes with its page.
struct cooled {
  std::byte* slot;
  std::uint16_t slab;
};

}  // namespace

stack* cool_bundle(stack* first) noexcept {
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

void drop_deep_pages(stack* first) noexcept {
  if (stack_slot_bytes(first->size_class) - guard_bytes(stack_slot_bytes(first->size_class)) <= kept_bytes) {
    return;
  }
  iovec ranges[bundle_limit] = {};
  std::size_t count = 0;
  for (stack* s = first; s != nullptr; s = s->next) {
    ranges[count++] = {s->limit, static_cast<std::size_t>(slot_end(*s) - s->limit) - kept_bytes};
  }
  int error = 0;  // pages that the system does not take back stay with their stack: no harm but memory
  static_cast<void>(advise_ranges(ranges, count, MADV_DONTNEED, true, error));
}

}  // namespace weft::inline v0::detail
