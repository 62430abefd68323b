// Top pages of new stacks that one call brings in for many: when, how many, and what becomes of those not used.
#include <gtest/gtest.h>

#include <cerrno>   // EINVAL, ENOMEM
#include <cstddef>  // size_t
#include <vector>   // stacks

#include "stack/depot.hpp"
#include "stack_testing.hpp"
#include "support/child.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

constexpr int populate = 23;  // MADV_POPULATE_WRITE

unsigned asked = 0;  // calls to bring pages in
int refusal = 0;     // what they answer instead of being made
const os_calls& asking() {
  static os_calls calls = real_os;
  calls.advise_many = [](const iovec* r, std::size_t n, int advice, std::size_t& done) noexcept {
    if (advice == populate) {
      ++asked;
      if (refusal != 0) {
        return refusal;
      }
    }
    return real_os.advise_many(r, n, advice, done);
  };
  return calls;
}

bool top_page_is_resident(const stack& s) {
  unsigned char resident = 0;
  EXPECT_EQ(real_os.residency(s.slot + stack_slot_bytes(s.size_class) - page_bytes, page_bytes, &resident), 0);
  return (resident & 1) != 0;
}

// Before Linux 6.13 there is no such call, and so nothing that the tests of its effect could see: they are skipped. What the
// layer does without it, IsNotAskedForAgainWhereTheKernelCannot shows on every kernel.
bool kernel_can() {
  void* pages = nullptr;
  EXPECT_EQ(real_os.map(page_bytes, PROT_READ | PROT_WRITE, pages), 0);
  const iovec range{pages, page_bytes};
  std::size_t done = 0;
  const bool can = real_os.advise_many(&range, 1, populate, done) == 0 && done == page_bytes;
  EXPECT_EQ(real_os.unmap(pages, page_bytes), 0);
  return can;
}

TEST(TouchAhead, ManyStacksNeedFewCallsAndFewStacksNone) {
  if (!kernel_can()) GTEST_SKIP() << "the kernel brings in no pages for many ranges (before Linux 6.13)";
  expect_in_child([] {
    set_os_for_tests(&asking());
    stack_cache cache;
    take_some(cache, 8);
    EXPECT_EQ(asked, 0U);
    take_some(cache, 1000);
    EXPECT_GE(asked, 1000U / 16);
    EXPECT_LE(asked, 1000U / 16 + 16);
  });
}

TEST(TouchAhead, NoMoreThanHalfAsManyAsWereMadeAndASmallNumberAreTouched) {
  if (!kernel_can()) GTEST_SKIP() << "the kernel brings in no pages for many ranges (before Linux 6.13)";
  expect_in_child([] {
    stack_cache cache;
    for (std::size_t taken = 1; taken <= 200; ++taken) {
      stack* const s = must_take(cache);
      std::size_t ahead = 0;
      for (std::byte* slot = s->slot + stack_slot_bytes(class_256k); ahead <= 100; ++ahead) {
        unsigned char resident = 0;
        const std::byte* const end = slot + stack_slot_bytes(class_256k);
        if (locate_stack_address(end - 1).zone != stack_zone::usable) break;
        EXPECT_EQ(real_os.residency(slot + stack_slot_bytes(class_256k) - page_bytes, page_bytes, &resident), 0);
        if ((resident & 1) == 0) break;
        slot += stack_slot_bytes(class_256k);
      }
      EXPECT_LE(ahead, taken < 32 ? taken / 2 : 16) << taken;
    }
  });
}

TEST(TouchAhead, WhatACacheGivesBackUnusedIsWarm) {
  if (!kernel_can()) GTEST_SKIP() << "the kernel brings in no pages for many ranges (before Linux 6.13)";
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> used = take_some(cache, 100);
    cache.return_all();
    const stack_stats stats = read_stack_stats();
    EXPECT_GT(stats.depot_warm, 0U);
    EXPECT_LE(stats.depot_warm, 16U);
    EXPECT_EQ(used.size() + stats.depot_warm + stats.depot_cold, stats.slots_open);
    for (stack* s = take_bundle(class_256k); s != nullptr; s = s->next) {
      EXPECT_TRUE(top_page_is_resident(*s));
      EXPECT_TRUE(guarded(*s));
    }
  });
}

TEST(TouchAhead, IsNotAskedForAgainWhereTheKernelCannot) {
  expect_in_child([] {
    refusal = EINVAL;
    set_os_for_tests(&asking());
    stack_cache cache;
    take_some(cache, 1000);
    EXPECT_EQ(asked, 1U);
  });
}

TEST(TouchAhead, FailsWithoutConsequencesWhenMemoryIsShort) {
  expect_in_child([] {
    refusal = ENOMEM;
    set_os_for_tests(&asking());
    stack_cache cache;
    for (const stack* const s : take_some(cache, 1000)) {
      EXPECT_TRUE(top_page_is_resident(*s));
    }
    EXPECT_GT(asked, 1U);
  });
}

}  // namespace
}  // namespace weft::testing
