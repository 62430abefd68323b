// What a recycled stack still shows of its last user, and how deep it was used.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "stack_testing.hpp"
#include "support/child.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

constexpr unsigned char marker = 0xa5;

// Plants markers in the pages an earlier fiber might have used, recycles, and counts what is left in the whole stack.
std::size_t markers_left(stack_scrub scrub, unsigned size_class) {
  stack_cache cache;
  cache.set_scrub(scrub);
  stack* const s = must_take(cache, size_class);
  const std::size_t bytes = s->usable_bytes();
  std::memset(s->top() - 3000, marker, 3000);            // the first frames
  std::memset(s->top() - bytes / 2 - 500, marker, 500);  // a deep call, with untouched pages in between
  std::memset(s->limit, marker, 100);                    // the deepest possible
  cache.put(s);
  EXPECT_EQ(must_take(cache, size_class), s);
  EXPECT_EQ(s->size_class, size_class);
  EXPECT_EQ(s->usable_bytes(), bytes);
  EXPECT_TRUE(guarded(*s));
  return static_cast<std::size_t>(std::count(s->limit, s->top(), std::byte{marker}));
}

TEST(Scrub, KeepIsTheDefaultAndKeeps) {
  expect_in_child([] { EXPECT_EQ(markers_left(stack_scrub::keep, class_256k), 3600U); });
}

TEST(Scrub, ZeroAndDropLeaveNothing) {
  for (const stack_scrub scrub : {stack_scrub::zero, stack_scrub::drop}) {
    for (const unsigned size_class : {class_16k, class_64k, class_256k, class_256k + 4}) {
      expect_in_child([&] { EXPECT_EQ(markers_left(scrub, size_class), 0U); });
    }
  }
}

TEST(Scrub, LeavesNothingWhereTheSystemRefusesToHelp) {
  static os_calls refusing = real_os;
  refusing.advise = [](void* at, std::size_t bytes, int advice) noexcept {
    return advice == MADV_DONTNEED ? EINVAL : real_os.advise(at, bytes, advice);
  };
  refusing.residency = [](void*, std::size_t, unsigned char*) noexcept { return EAGAIN; };
  for (const stack_scrub scrub : {stack_scrub::zero, stack_scrub::drop}) {
    expect_in_child([&] {
      set_os_for_tests(&refusing);
      EXPECT_EQ(markers_left(scrub, class_256k), 0U);
    });
  }
}

TEST(HighWater, IsTheDeepestTouchedPage) {
  expect_in_child([] {
    stack_cache cache;
    for (const unsigned size_class : {class_16k, class_256k, class_256k + 4}) {
      stack* const s = must_take(cache, size_class);
      std::byte* const end = s->slot + stack_slot_bytes(size_class);
      EXPECT_EQ(stack_high_water(*s), page_bytes);
      *(end - 2 * page_bytes) = std::byte{1};
      EXPECT_EQ(stack_high_water(*s), 2 * page_bytes);
      *s->limit = std::byte{1};
      EXPECT_EQ(stack_high_water(*s), static_cast<std::size_t>(end - s->limit));
    }
  });
}

}  // namespace
}  // namespace weft::testing
