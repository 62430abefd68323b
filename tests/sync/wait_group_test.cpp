// The wait group: counting, and each way a wait can end.
#include <chrono>  // durations
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/wait_group.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

TEST(WaitGroup, AnEmptyOneLetsThrough) {
  everywhere([] {
    weft::wait_group g;
    g.wait();
    EXPECT_TRUE(g.wait_for(0s));
    g.add(0);
    g.wait();
  });
}

TEST(WaitGroup, WaitReturnsWhenAllAreDoneAndShowsTheirWork) {
  everywhere([] {
    weft::wait_group g;
    std::vector<int> results(50);  // each written by another fiber, unprotected: done() orders them
    std::vector<weft::fiber<>> workers;
    g.add(50);
    for (auto& r : results) {
      workers.push_back(weft::spawn([&] {
        yield();
        r = 1;
        g.done();
      }));
    }
    std::vector<weft::fiber<int>> waiters;
    for (int i = 0; i < 4; ++i) {
      waiters.push_back(weft::spawn([&] {
        g.wait();
        int sum = 0;
        for (const int r : results) sum += r;
        return sum;
      }));
    }
    for (auto& w : waiters) EXPECT_EQ(w.join(), 50);
    for (auto& w : workers) w.join();
  });
}

TEST(WaitGroup, MayGrowWhileItIsWaitedFor) {
  everywhere([] {
    weft::wait_group g;
    int leaves = 0;
    weft::fiber<> child;
    g.add(1);
    auto root = weft::spawn([&] {
      g.add(1);
      child = weft::spawn([&] {
        yield();
        ++leaves;
        g.done();
      });
      g.done();
    });
    g.wait();
    EXPECT_EQ(leaves, 1);
    root.join();
    child.join();
  });
}

TEST(WaitGroup, CanBeUsedAgain) {
  everywhere([] {
    weft::wait_group g;
    for (int round = 0; round < 20; ++round) {
      g.add(3);
      auto a = weft::spawn([&] { g.done(); });
      auto b = weft::spawn([&] { g.add(-2); });
      g.wait();
      a.join();
      b.join();
    }
  });
}

TEST(WaitGroup, TimedOutAndStoppedWaitsLeaveNoTrace) {
  under_seeds([](test_runtime& rt) {
    weft::wait_group g;
    g.add();
    auto late = rt.spawn("late", [&] { return g.wait_until(rt.now() + 5ms); });
    auto stopped = rt.spawn("stopped", [&] { g.wait(); });
    auto patient = rt.spawn("patient", [&] { return g.wait_for(1h); });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 3U);
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    rt.advance(5ms);
    EXPECT_FALSE(late.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    g.done();
    EXPECT_TRUE(patient.join());
  });
}

TEST(WaitGroup, AShieldKeepsTheWaitGoing) {
  under_seeds([](test_runtime& rt) {
    weft::wait_group g;
    g.add();
    bool came_back = false;
    auto f = rt.spawn("shielded", [&] {
      const weft::cancel_shield shield;
      g.wait();
      came_back = true;
    });
    rt.run_until_idle();
    f.request_stop();
    rt.run_until_idle();
    EXPECT_FALSE(came_back);
    g.done();
    f.join();
    EXPECT_TRUE(came_back);
  });
}

// Deadlines, stops and the last done() at the same instant: each waiter ends exactly once, and rightly.
TEST(WaitGroup, DoneRacingDeadlinesAndStopsEndsEveryWaitOnce) {
  under_seeds([](test_runtime& rt) {
    weft::wait_group g;
    g.add(2);
    int through = 0, timed_out = 0, stopped = 0;
    std::vector<weft::fiber<>> waiters;
    for (int i = 0; i < 8; ++i) {
      waiters.push_back(rt.spawn("waiter", [&, i] {
        try {
          ++(g.wait_for(i % 2 == 0 ? 1ms : 2ms) ? through : timed_out);
        } catch (const weft::cancelled&) {
          ++stopped;
          throw;
        }
      }));
    }
    auto first = rt.spawn("first", [&] { g.done(); });
    auto second = rt.spawn("second", [&] {
      weft::this_fiber::sleep_for(1ms);
      g.done();
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (std::size_t i = 0; i < 4; ++i) waiters[i].request_stop();
    });
    rt.advance(3ms);
    EXPECT_EQ(rt.live_count(), 0U);
    EXPECT_EQ(through + timed_out + stopped, 8);
    EXPECT_GE(through, 2);  // two waited for longer and were not stopped
    first.join();
    second.join();
    stopper.join();
    for (auto& w : waiters) {
      try {
        w.join();
      } catch (const weft::cancelled&) {
        --stopped;
      }
    }
    EXPECT_EQ(stopped, 0);
  });
}

TEST(WaitGroup, APollingLoopLetsTheOthersRun) {
  weft::run({.workers = 1}, [] {
    weft::wait_group g;
    g.add();
    auto f = weft::spawn([&] { g.done(); });
    while (!g.wait_for(0s)) {
    }
    f.join();
  });
}

TEST(WaitGroup, MoreDoneThanAddedIsReported) {
  const child_result result = run_in_child([] {
    weft::wait_group g;
    g.add(2);
    g.done();
    g.done();
    g.done();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("more done() than add()"), std::string::npos) << result.errors;
}

TEST(WaitGroup, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    auto* g = new weft::wait_group;
    g->add();
    auto f = rt.spawn("waiter", [g] { g->wait(); });
    rt.run_until_idle();
    delete g;
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("wait_group or latch is destroyed while somebody waits"), std::string::npos)
      << result.errors;
}

}  // namespace
