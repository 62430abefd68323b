// Semaphores: permits are neither lost nor made, whoever gives up waiting for them.
#include <atomic>   // permits in use
#include <chrono>   // durations
#include <cstddef>  // ptrdiff_t
#include <limits>   // numeric_limits
#include <thread>   // plain threads
#include <vector>   // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/semaphore.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/seeded_random.hpp"
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

constexpr auto largest = std::numeric_limits<std::ptrdiff_t>::max();
static_assert(sizeof(weft::counting_semaphore<>) == 8 && sizeof(weft::binary_semaphore) == 8);
static_assert(weft::counting_semaphore<>::max() == largest && weft::counting_semaphore<7>::max() == 7);
static_assert(weft::binary_semaphore::max() == 1);

TEST(Semaphore, HasAsManyPermitsAsItWasGiven) {
  everywhere([] {
    weft::counting_semaphore<> s(2);
    s.acquire();
    EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire_for(0s));
    s.release(3);
    s.release(0);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(s.try_acquire_for(-1s));
    EXPECT_FALSE(s.try_acquire_until(std::chrono::steady_clock::time_point::min()));
    EXPECT_FALSE(s.try_acquire_until(std::chrono::system_clock::now() - 1h));
  });
}

TEST(Semaphore, TheLargestCountsWork) {
  weft::counting_semaphore<> s(largest);
  EXPECT_TRUE(s.try_acquire());
  s.acquire();
  s.release(2);
  weft::counting_semaphore<> t(0);
  t.release(largest);
  EXPECT_TRUE(t.try_acquire());
}

TEST(Semaphore, ABinaryOneHandsDataBackAndForth) {
  everywhere([] {
    weft::binary_semaphore full(0), empty(1);
    int slot = 0, sum = 0;
    auto consumer = weft::spawn([&] {
      for (int i = 0; i < 100; ++i) {
        full.acquire();
        sum += slot;
        empty.release();
      }
    });
    for (int i = 1; i <= 100; ++i) {
      empty.acquire();
      slot = i;
      full.release();
    }
    consumer.join();
    EXPECT_EQ(sum, 5050);
  });
}

TEST(Semaphore, PermitsGoToThoseWhoWaitInTheOrderOfTheirArrival) {
  under_seeds([](test_runtime& rt) {
    weft::counting_semaphore<> s(0);
    std::vector<int> order;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 5; ++i) {
      fibers.push_back(rt.spawn("waiter", [&, i] {
        s.acquire();
        order.push_back(i);
      }));
      rt.run_until_idle();
    }
    for (int i = 0; i < 3; ++i) {
      s.release();
      EXPECT_FALSE(s.try_acquire());  // it belongs to the first waiter, who has not run yet
      rt.run_until_idle();
    }
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
    s.release(3);
    rt.run_until_idle();
    EXPECT_EQ(order.size(), 5U);
    EXPECT_TRUE(s.try_acquire());  // one was left
    EXPECT_FALSE(s.try_acquire());
    for (auto& f : fibers) f.join();
  });
}

TEST(Semaphore, NobodyOvertakesAWaiter) {
  everywhere([] {
    weft::counting_semaphore<> s(1);
    std::atomic<bool> done{false};
    std::vector<weft::fiber<>> greedy;
    for (int i = 0; i < 3; ++i) {
      greedy.push_back(weft::spawn([&] {
        while (!done) {
          s.acquire();
          yield();
          s.release();
        }
      }));
    }
    for (int i = 0; i < 20; ++i) {
      s.acquire();
      s.release();
    }
    done = true;
    for (auto& g : greedy) g.join();
  });
}

TEST(Semaphore, TimedOutAndStoppedWaitsLeaveNoTraceAndUseUpNoPermit) {
  under_seeds([](test_runtime& rt) {
    weft::counting_semaphore<> s(0);
    auto late = rt.spawn("late", [&] { return s.try_acquire_for(5ms); });
    auto stopped = rt.spawn("stopped", [&] { s.acquire(); });
    auto patient = rt.spawn("patient", [&] { return s.try_acquire_until(rt.now() + 1h); });
    rt.run_until_idle();
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    rt.advance(5ms - 1ns);
    EXPECT_EQ(rt.parked_count(), 2U);
    rt.advance(1ns);
    EXPECT_FALSE(late.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    s.release();
    EXPECT_TRUE(patient.join());
    EXPECT_FALSE(s.try_acquire());
  });
}

TEST(Semaphore, AStopDoesNotKeepItFromTakingWhatIsThere) {
  under_seeds([](test_runtime& rt) {
    weft::counting_semaphore<> s(1);
    auto f = rt.spawn("stopped", [&] {
      s.acquire();
      EXPECT_FALSE(s.try_acquire());
      const weft::cancel_shield shield;
      EXPECT_FALSE(s.try_acquire_for(1ms));
    });
    f.request_stop();
    f.join();
  });
}

// Deadlines, stops and releases at the same instant: what was taken and what is left make up what was given.
TEST(Semaphore, PermitsAreNotLostToDeadlinesAndStops) {
  under_seeds([](test_runtime& rt) {
    constexpr int given = 5;
    weft::counting_semaphore<> s(0);
    int taken = 0, late = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 9; ++i) {
      fibers.push_back(rt.spawn("waiter", [&, i] {
        if (i % 3 == 0) {
          s.try_acquire_for(1ms) ? ++taken : ++late;
        } else {
          s.acquire();
          ++taken;
        }
      }));
    }
    rt.run_until_idle();
    auto releaser = rt.spawn("releaser", [&] {
      weft::this_fiber::sleep_for(1ms);
      s.release(2);
      s.release();
      yield();
      s.release(given - 3);
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (std::size_t i = 1; i < 9; i += 3) fibers[i].request_stop();
    });
    rt.advance(2ms);
    releaser.join();
    stopper.join();
    int left = 0;
    while (s.try_acquire()) ++left;
    EXPECT_EQ(taken + left, given);
    EXPECT_TRUE(left == 0 || rt.parked_count() == 0U) << rt.describe();
    EXPECT_GE(taken, 3);  // three waited for ever, unstopped
    s.release(9);
    rt.run_until_idle();
    const int stopped = join_all(fibers);
    EXPECT_EQ(taken + late + stopped, 9);
  });
}

// Never more inside than permits; all there again at the end.
TEST(Semaphore, FibersOfTwoRuntimesAndPlainThreadsShareThePermits) {
  constexpr int permits = 3;
  const std::size_t rounds = stress_count(3000);
  for (const unsigned workers : worker_counts) {
    weft::counting_semaphore<> s(permits);
    std::atomic<int> inside{0};
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    const auto work = [&](unsigned seed) {
      seeded_random random(seed);
      for (std::size_t n = 0; n < rounds; ++n) {
        const bool mine =
            random.below(2) == 0 ? (s.acquire(), true) : s.try_acquire_for(std::chrono::microseconds(random.below(50)));
        if (!mine) continue;
        EXPECT_LE(++inside, permits);
        if (random.below(8) == 0) yield();
        --inside;
        s.release();
      }
    };
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 6; ++i) fibers.push_back((i % 3 == 0 ? two : one).spawn(work, i));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, 100 + i);
    for (auto& t : threads) t.join();
    for (auto& f : fibers) f.join();
    for (int i = 0; i < permits; ++i) EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
  }
}

TEST(Semaphore, LoopsThatNeverWaitLetOthersRun) {
  weft::run({.workers = 1}, [] {
    weft::counting_semaphore<> s(0), plenty(1);
    auto f = weft::spawn([&] { s.release(3); });
    while (!s.try_acquire()) {
    }
    f.join();
    s.release();
    std::atomic<bool> stop{false};
    auto g = weft::spawn([&] { stop = true; });
    while (!stop) {
      plenty.acquire();
      plenty.release();
    }
    g.join();
  });
}

TEST(Semaphore, MoreThanTheMaximumIsReported) {
  const child_result result = run_in_child([] {
    weft::binary_semaphore s(1);
    s.release();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("more permits than max()"), std::string::npos) << result.errors;
}

TEST(Semaphore, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    auto* s = new weft::binary_semaphore(0);
    auto f = rt.spawn("waiter", [s] { s->acquire(); });
    rt.run_until_idle();
    delete s;
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("semaphore is destroyed while somebody waits"), std::string::npos) << result.errors;
}

}  // namespace
