// The injector on real threads: what many push, each node reaches exactly one of many takers.
#include <gtest/gtest.h>

#include <thread>   // producers and takers
#include <utility>  // exchange
#include <vector>   // nodes

#include <weft/base/atomic.hpp>  // atomic

#include "sched/injector.hpp"        // injector
#include "support/instrumented.hpp"  // instrumented

namespace {

using namespace weft::detail;

struct parcel {
  parcel* next = nullptr;
  unsigned number = 0;       // plain: must be visible by the push alone
  unsigned times_taken = 0;  // plain: two takers would race
};

TEST(Injector, ReturnsNodesInTheOrderOfTheirPushes) {
  injector<parcel> queue;
  parcel p[4];
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_all(), nullptr);
  queue.push(&p[0]);
  p[2].next = &p[1];
  queue.push_chain(&p[2], &p[1]);
  queue.push(&p[3]);
  EXPECT_FALSE(queue.empty());
  const parcel* taken = queue.take_all();
  for (const parcel& expected : p) {
    ASSERT_EQ(taken, &expected);
    taken = taken->next;
  }
  EXPECT_EQ(taken, nullptr);
  EXPECT_TRUE(queue.empty());
}

TEST(Injector, GivesEachNodeToExactlyOneTaker) {
  constexpr unsigned producers = 2;
  constexpr unsigned takers = 2;
  constexpr unsigned each = weft::testing::instrumented ? 4000 : 100000;
  injector<parcel> queue;
  std::vector<parcel> parcels(producers * each);
  atomic<unsigned> left{producers * each};
  std::vector<std::thread> threads;
  for (unsigned who = 0; who != producers; ++who) {
    threads.emplace_back([&queue, own = parcels.data() + who * each, who] {
      for (unsigned i = 0; i != each; ++i) {
        own[i].number = who * each + i;
        queue.push(&own[i]);
      }
    });
  }
  for (unsigned who = 0; who != takers; ++who) {
    threads.emplace_back([&queue, &parcels, &left] {
      while (left.load(memory_order_relaxed) != 0) {  // relaxed: join() orders the results
        parcel* p = queue.take_all();
        if (p == nullptr) {
          std::this_thread::yield();
        }
        while (p != nullptr) {
          parcel* const rest = std::exchange(p->next, nullptr);
          EXPECT_EQ(&parcels[p->number], p);
          ++p->times_taken;
          left.fetch_sub(1, memory_order_relaxed);  // relaxed: a count
          p = rest;
        }
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_TRUE(queue.empty());
  for (const parcel& p : parcels) {
    ASSERT_EQ(p.times_taken, 1U) << "parcel " << p.number;
  }
}

}  // namespace
