// Addresses are attributed to the right stack and zone.
#include <gtest/gtest.h>

#include "stack/guard.hpp"  // guard_bytes
#include "stack_testing.hpp"
#include "support/child.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

TEST(Locate, NamesSlotAndZoneOfEveryByteOfASlot) {
  expect_in_child([] {
    stack_cache cache;
    for (const unsigned size_class : {class_16k, class_256k, stack_classes - 1}) {
      for (int i = 0; i < 3; ++i) {
        stack* const s = must_take(cache, size_class);
        const std::size_t bytes = stack_slot_bytes(size_class);
        const auto expect = [&](const std::byte* at, stack_zone zone) {
          const stack_location found = locate_stack_address(at);
          EXPECT_EQ(found.zone, zone);
          EXPECT_EQ(found.slot, s->slot);
          EXPECT_EQ(found.slot_bytes, bytes);
        };
        expect(s->slot, stack_zone::guard);
        expect(s->limit - 1, stack_zone::guard);
        expect(s->limit, stack_zone::usable);
        expect(s->top(), stack_zone::usable);
        expect(s->slot + bytes - 1, stack_zone::usable);
      }
    }
  });
}

TEST(Locate, KnowsWhatIsOutside) {
  expect_in_child([] {
    int local = 0;
    EXPECT_EQ(locate_stack_address(&local).zone, stack_zone::outside);
    stack_cache cache;
    const stack* const first = must_take(cache);
    EXPECT_EQ(locate_stack_address(&local).zone, stack_zone::outside);
    EXPECT_EQ(locate_stack_address(nullptr).zone, stack_zone::outside);
    EXPECT_EQ(locate_stack_address(first->slot - 1).zone, stack_zone::outside);
    const std::size_t open = read_stack_stats().slots_open * stack_slot_bytes(class_256k);
    EXPECT_EQ(locate_stack_address(first->slot + open - 1).zone, stack_zone::usable);
    EXPECT_EQ(locate_stack_address(first->slot + open).zone, stack_zone::outside) << "reserved, not open";
    EXPECT_EQ(locate_stack_address(first->slot + open).slot, nullptr);
  });
}

}  // namespace
}  // namespace weft::testing
