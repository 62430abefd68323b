// The deque on real threads: newest at the owner's end, oldest at the thieves', each item to exactly one of them.
#include <gtest/gtest.h>

#include <cstddef>  // size_t
#include <thread>   // thieves
#include <vector>   // items

#include <weft/base/atomic.hpp>  // atomic

#include "sched/deque.hpp"           // work_deque
#include "support/instrumented.hpp"  // instrumented

namespace {

using namespace weft::detail;

struct chore {
  unsigned number = 0;       // plain: must be visible by the push alone
  unsigned times_taken = 0;  // plain: two takers would race
};

using chores = work_deque<chore>;

TEST(WorkDeque, OwnerTakesTheNewestAndThievesTheOldest) {
  chores queue;
  chore c[3];
  for (chore& one : c) {
    ASSERT_TRUE(queue.push(&one));
  }
  EXPECT_EQ(queue.size_hint(), 3U);
  EXPECT_EQ(queue.pop(), &c[2]);
  chore* stolen = nullptr;
  EXPECT_EQ(queue.steal(stolen), steal_result::success);
  EXPECT_EQ(stolen, &c[0]);
  EXPECT_EQ(queue.pop(), &c[1]);
  EXPECT_TRUE(queue.empty());
}

TEST(WorkDeque, EmptyGivesNothingAndStaysUsable) {
  chores queue(2);
  chore c;
  chore* stolen = &c;
  for (int round = 0; round != 3; ++round) {
    EXPECT_EQ(queue.pop(), nullptr);
    EXPECT_EQ(queue.steal(stolen), steal_result::empty);
    EXPECT_EQ(stolen, &c) << "nothing stolen, nothing written";
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.size_hint(), 0U);
    ASSERT_TRUE(queue.push_published(&c));
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(queue.pop(), &c);
  }
}

TEST(WorkDeque, KeepsOrderThroughGrowthAndWrapAround) {
  chores queue(2);
  std::vector<chore> c(100);
  std::size_t next_in = 0, next_out = 0;
  for (const std::size_t batch : {3U, 1U, 9U, 30U, 57U}) {  // grows while the oldest sits anywhere in the ring
    for (std::size_t i = 0; i != batch; ++i) {
      ASSERT_TRUE(queue.push(&c[next_in++]));
    }
    for (std::size_t i = 0; i != batch / 2; ++i) {
      chore* stolen = nullptr;
      ASSERT_EQ(queue.steal(stolen), steal_result::success);
      EXPECT_EQ(stolen, &c[next_out++]);
    }
  }
  queue.free_retired();
  while (next_in != next_out) {
    EXPECT_EQ(queue.pop(), &c[--next_in]);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(WorkDeque, ReusesItsRingWithoutGrowing) {
  // 2^20 pushes through a ring of four: each needs a slot whose last item was taken long before.
  chores queue(4);
  std::vector<chore> c(3);
  for (unsigned i = 0; i != (weft::testing::instrumented ? 1U << 12 : 1U << 20); ++i) {
    for (chore& one : c) {
      ASSERT_TRUE(queue.push(&one));
    }
    chore* stolen = nullptr;
    ASSERT_EQ(queue.steal(stolen), steal_result::success);
    ASSERT_EQ(stolen, c.data());
    ASSERT_EQ(queue.pop(), &c[2]);
    ASSERT_EQ(queue.pop(), &c[1]);
  }
}

TEST(WorkDeque, PushWithoutMemoryChangesNothing) {
  if (weft::testing::instrumented) {
    GTEST_SKIP() << "sanitizers report a failing allocation of this size instead of returning null";
  }
  chores queue(std::size_t{1} << (sizeof(void*) == 8 ? 50 : 29));  // a ring larger than any object may be
  chore c;
  EXPECT_FALSE(queue.push(&c));
  EXPECT_FALSE(queue.push_published(&c));
  EXPECT_EQ(queue.pop(), nullptr);
  chore* stolen = nullptr;
  EXPECT_EQ(queue.steal(stolen), steal_result::empty);
  EXPECT_TRUE(queue.empty());
}

TEST(WorkDeque, GivesEachItemToExactlyOneOfOwnerAndThieves) {
  constexpr unsigned thieves = 3;
  constexpr unsigned total = weft::testing::instrumented ? 20000 : 400000;
  chores queue(2);  // grows under the thieves' hands
  std::vector<chore> all(total);
  atomic<unsigned> left{total};
  const auto take = [&](chore& c) {
    EXPECT_EQ(&all[c.number], &c);
    ++c.times_taken;
    left.fetch_sub(1, memory_order_relaxed);  // relaxed: a count, join() orders the results
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != thieves; ++i) {
    threads.emplace_back([&] {
      while (left.load(memory_order_relaxed) != 0) {  // relaxed: as above
        chore* stolen = nullptr;
        if (queue.steal(stolen) == steal_result::success) {
          take(*stolen);
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  unsigned random = 12345;
  for (unsigned pushed = 0; pushed != total;) {
    random = random * 1664525 + 1013904223;
    const unsigned burst = (random >> 24) % 16 + 1;
    for (unsigned i = 0; i != burst && pushed != total; ++i, ++pushed) {
      all[pushed].number = pushed;
      EXPECT_TRUE((random & 0x10000) != 0 ? queue.push(&all[pushed]) : queue.push_published(&all[pushed]));
    }
    for (unsigned i = 0; i != (random >> 12) % 16; ++i) {
      if (chore* const newest = queue.pop()) {
        take(*newest);
      }
    }
  }
  while (chore* const newest = queue.pop()) {
    take(*newest);
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_TRUE(queue.empty());
  for (const chore& c : all) {
    ASSERT_EQ(c.times_taken, 1U) << "item " << c.number;
  }
}

}  // namespace
