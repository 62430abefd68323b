// Magazines: reuse, and who gives what to whom.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "stack/depot.hpp"
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using namespace weft::detail;

TEST(StackClass, IsTheSmallestThatHoldsTheBytes) {
  EXPECT_EQ(stack_class_of(min_stack_size), 0U);
  EXPECT_EQ(stack_class_of(min_stack_size + 1), 1U);
  EXPECT_EQ(stack_class_of(max_stack_size), stack_classes - 1);
  for (unsigned c = 0; c < stack_classes; ++c) {
    EXPECT_EQ(stack_class_of(stack_class_bytes(c)), c);
    EXPECT_EQ(stack_class_of(stack_class_bytes(c) - 1), c);
  }
}

TEST(StackCache, ReusesTheStackPutLastWithoutSystemCalls) {
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> some = take_some(cache, 200);
    system_calls = 0;
    set_os_for_tests(&counting);
    put_all(cache, some);
    for (std::size_t i = some.size(); i-- != 0;) {
      EXPECT_EQ(must_take(cache), some[i]);
    }
    EXPECT_FALSE(cache.trim());
    EXPECT_EQ(system_calls, 0U);
  });
}

TEST(StackCache, ManyFinishingAtOnceCostNoSystemCallBeforeTheySettle) {
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> some = take_some(cache, 3000);
    system_calls = 0;
    set_os_for_tests(&counting);
    put_all(cache, some);
    EXPECT_EQ(system_calls, 0U);
    while (cache.trim()) {
    }
    EXPECT_EQ(system_calls, 0U);
    set_depot_linger(0s);
    while (tend_depot()) {
    }
    EXPECT_GT(system_calls, 0U);
  });
}

TEST(StackCache, TopsOfNeighboursAreColouredWithinTheTopKibibyte) {
  expect_in_child([] {
    stack_cache cache;
    std::set<std::ptrdiff_t> offsets, strided;
    std::size_t i = 0;
    for (stack* const s : take_some(cache, 256)) {
      const std::ptrdiff_t below_end = s->slot + stack_slot_bytes(class_256k) - s->top();
      EXPECT_EQ(below_end % 64, 0);
      EXPECT_GE(below_end, 64);
      EXPECT_LE(below_end, 1024);
      offsets.insert(below_end);
      if (i++ % 16 == 0) {
        strided.insert(below_end);
      }
    }
    EXPECT_EQ(offsets.size(), 16U);
    EXPECT_EQ(strided.size(), 16U) << "slots 16 apart share a colour";
  });
}

TEST(StackCache, FreshStacksAreTouchedOnlyInTheirTopPage) {
  expect_in_child([] {
    stack_cache cache;
    for (const unsigned size_class : {class_16k, class_256k}) {
      for (stack* const s : take_some(cache, 10, size_class)) {
        EXPECT_EQ(stack_high_water(*s), page_bytes);
        std::byte* const page = s->limit;
        const os_calls& kernel = real_os;
        unsigned char resident = 1;
        EXPECT_EQ(kernel.residency(page, page_bytes, &resident), 0);
        EXPECT_EQ(resident & 1, 0);
      }
    }
  });
}

TEST(StackCache, KeepsAShareAndTrimsTheRestIntoTheDepot) {
  expect_in_child([] {
    stack_cache cache;
    put_all(cache, take_some(cache, 1000));
    while (cache.trim()) {
    }
    const std::size_t warm = read_stack_stats().depot_warm;
    EXPECT_GE(warm, 1000U - 256U);
    EXPECT_LE(warm, 1000U - 192U);
    stack_cache other;  // finds those before fresh ones
    const std::size_t open = read_stack_stats().slots_open;
    put_all(other, take_some(other, warm));
    EXPECT_EQ(read_stack_stats().slots_open, open);
  });
}

TEST(StackCache, DestructorReturnsEverything) {
  expect_in_child([] {
    {
      stack_cache cache;
      put_all(cache, take_some(cache, 333));
      put_all(cache, take_some(cache, 5, class_64k));
    }
    const stack_stats stats = read_stack_stats();
    EXPECT_GE(stats.depot_warm, 338U);
    EXPECT_LE(stats.depot_warm, 338U + 16U);  // touched ahead
    EXPECT_EQ(stats.depot_warm + stats.depot_cold, stats.slots_open);
  });
}

TEST(StackCache, AStarvingCacheIsServedByTheNextTrimOfAnother) {
  expect_in_child([] {
    static os_calls exhausted = real_os;
    exhausted.map = [](std::size_t, int, void*&) noexcept { return ENOMEM; };
    exhausted.protect = [](void*, std::size_t, int) noexcept { return ENOMEM; };
    stack_cache rich, poor;
    const std::vector<stack*> all = take_some(rich, 50);
    set_os_for_tests(&exhausted);
    std::error_code error;
    while (rich.take(class_256k, error) != nullptr) {  // what it has claimed already
    }
    EXPECT_EQ(poor.take(class_256k, error), nullptr);
    EXPECT_EQ(error, std::errc::not_enough_memory);
    put_all(rich, all);
    EXPECT_EQ(poor.take(class_256k, error), nullptr);
    EXPECT_TRUE(rich.trim());
    EXPECT_TRUE(rich.empty(class_256k));
    error.clear();
    EXPECT_NE(poor.take(class_256k, error), nullptr);
    EXPECT_FALSE(error);
    EXPECT_FALSE(rich.trim()) << "the need is over";
  });
}

// Stacks change hands between threads, each through its own cache; every stack carries its own address, which nobody
// else may overwrite.
void exchange_among_threads() {
  constexpr int threads = 4, rounds = instrumented ? 60 : 400;
  set_depot_high_water(100);
  set_depot_linger(0s);
  std::mutex lock;
  std::vector<stack*> exchange;
  std::vector<std::thread> all;
  std::atomic<int> damaged{0};
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      stack_cache cache;
      std::vector<stack*> mine;
      unsigned random = static_cast<unsigned>(t) * 7919U + 1;
      for (int round = 0; round < rounds; ++round) {
        for (unsigned n = random % 150; n != 0; --n) {
          std::error_code error;
          stack* const s = cache.take(class_16k, error);
          if (s == nullptr) {
            ++damaged;
            return;
          }
          *reinterpret_cast<stack**>(s->top() - sizeof s) = s;
          mine.push_back(s);
        }
        {
          const std::lock_guard hold(lock);
          mine.swap(exchange);
        }
        for (stack* const s : mine) {
          damaged += *reinterpret_cast<stack**>(s->top() - sizeof s) == s ? 0 : 1;
          cache.put(s);
        }
        mine.clear();
        cache.trim();
        tend_depot();
        random = random * 1664525U + 1013904223U;
      }
    });
  }
  for (std::thread& t : all) {
    t.join();
  }
  stack_cache rest;
  put_all(rest, exchange);
  EXPECT_EQ(damaged, 0);
}

TEST(StackCache, CachesOfManyThreadsNeverShareAStack) { expect_in_child(exchange_among_threads); }

}  // namespace
}  // namespace weft::testing
