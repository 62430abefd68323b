// fiber_local: one value per fiber, destroyed with it, newest first; on plain threads one per thread.
#include <chrono>  // durations
#include <memory>  // unique_ptr
#include <string>  // values
#include <thread>  // plain threads
#include <vector>  // logs

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/fiber_local.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::fiber_local;
using weft::testing::everywhere;
namespace this_fiber = weft::this_fiber;

TEST(FiberLocal, EachFiberHasItsOwn) {
  fiber_local<int> number;
  fiber_local<std::string> text;
  everywhere([&] {
    EXPECT_EQ(*number, 0);
    *number = -1;
    std::vector<weft::fiber<>> all;
    for (int i = 1; i <= 20; ++i) {
      all.push_back(weft::spawn([&, i] {
        EXPECT_EQ(*number, 0);  // also where a fiber has ended on the same stack
        EXPECT_TRUE(text->empty());
        *number = i;
        text->assign(static_cast<std::size_t>(i) * 10, 'x');
        int* const address = &*number;
        for (int k = 0; k < 5; ++k) this_fiber::yield();
        EXPECT_EQ(&*number, address);
        EXPECT_EQ(*number, i);
        EXPECT_EQ(text->size(), static_cast<std::size_t>(i) * 10);
      }));
    }
    for (auto& f : all) f.join();
    EXPECT_EQ(*number, -1);
  });
}

std::vector<int>* destruction_log = nullptr;
template <int N>
struct logs_destruction {
  ~logs_destruction() {
    if (destruction_log != nullptr) destruction_log->push_back(N);
  }
};

TEST(FiberLocal, IsDestroyedNewestFirstBeforeTheJoinReturns) {
  fiber_local<logs_destruction<1>> one;
  fiber_local<logs_destruction<2>> two;
  fiber_local<logs_destruction<3>> three;
  everywhere([&] {
    std::vector<int> log;
    destruction_log = &log;
    weft::spawn([&] {
      *two;
      *one;
      this_fiber::yield();
      *three;
      *two;
    }).join();
    EXPECT_EQ(log, (std::vector<int>{3, 1, 2}));
    log.clear();
    auto cancelled = weft::spawn([&] {
      *one;
      this_fiber::sleep_for(1000h);
    });
    this_fiber::yield();
    cancelled.request_stop();
    EXPECT_THROW(cancelled.join(), weft::cancelled);
    destruction_log = nullptr;
    EXPECT_LE(log.size(), 1U);
  });
}

TEST(FiberLocal, ItsDestructorMayWaitAndSpawn) {
  static std::atomic<int> finished{0};
  struct waits {
    ~waits() {
      this_fiber::sleep_for(1ms);
      weft::spawn([] { this_fiber::yield(); }).join();
      ++finished;
    }
  };
  fiber_local<waits> local;
  everywhere([&] {
    finished = 0;
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 5; ++i) all.push_back(weft::spawn([&] { *local; }));
    for (auto& f : all) f.join();
    EXPECT_EQ(finished.load(), 5);
  });
}

TEST(FiberLocal, AValueMadeByADestructorIsDestroyedToo) {
  static std::atomic<int> destroyed{0};
  struct counted {
    ~counted() { ++destroyed; }
  };
  static fiber_local<counted> late;
  struct makes_another {
    ~makes_another() {
      *late;
      ++destroyed;
    }
  };
  fiber_local<makes_another> first;
  everywhere([&] {
    destroyed = 0;
    weft::spawn([&] { *first; }).join();
    EXPECT_EQ(destroyed.load(), 2);
  });
}

TEST(FiberLocal, ADestroyedOneLeavesItsValuesToTheirFibers) {
  everywhere([] {
    static std::atomic<int> alive{0};
    struct counted {
      counted() { ++alive; }
      ~counted() { --alive; }
    };
    auto local = std::make_unique<fiber_local<counted>>();
    std::atomic<bool> made{false};
    std::atomic<bool> may_end{false};
    auto f = weft::spawn([&] {
      **local;
      made = true;
      while (!may_end) this_fiber::sleep_for(1us);
    });
    while (!made) this_fiber::sleep_for(1us);
    local.reset();
    fiber_local<counted> another;  // not mistaken for the old one
    EXPECT_EQ(alive.load(), 1);
    may_end = true;
    f.join();
    EXPECT_EQ(alive.load(), 0);
  });
}

TEST(FiberLocal, OnPlainThreadsBelongsToTheThread) {
  fiber_local<std::string> text;
  *text = "of the test";
  std::thread([&] {
    EXPECT_TRUE(text->empty());
    *text = "of the thread";
    EXPECT_EQ(*text, "of the thread");
  }).join();
  EXPECT_EQ(*text, "of the test");
  weft::run([&] { EXPECT_TRUE(text->empty()); });
}

}  // namespace
