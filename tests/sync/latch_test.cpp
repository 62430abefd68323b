// The latch: counting down, and each way a wait can end.
#include <atomic>  // arrivals
#include <chrono>  // durations
#include <thread>  // plain threads
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/latch.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::latch) == 16 && weft::latch::max() > 1'000'000'000'000);

TEST(Latch, OneThatStartsAtZeroLetsThrough) {
  everywhere([] {
    const weft::latch l(0);
    EXPECT_TRUE(l.try_wait());
    l.wait();
    EXPECT_TRUE(l.wait_for(0s));
  });
}

TEST(Latch, WaitReturnsAfterTheLastArrivalAndShowsAllWork) {
  everywhere([] {
    weft::latch l(20);
    std::vector<int> results(18);  // each written by another fiber, unprotected: the latch orders them
    std::vector<weft::fiber<>> fibers;
    for (auto& r : results) {
      fibers.push_back(weft::spawn([&] {
        yield();
        r = 1;
        l.arrive_and_wait();
        int sum = 0;
        for (const int other : results) sum += other;
        EXPECT_EQ(sum, 18);
      }));
    }
    EXPECT_FALSE(l.try_wait());
    EXPECT_FALSE(l.wait_for(0s));
    l.count_down(2);
    l.count_down(0);
    l.wait();
    EXPECT_TRUE(l.try_wait());
    EXPECT_TRUE(l.wait_until(std::chrono::system_clock::now() - 1h));
    for (auto& f : fibers) f.join();
  });
}

TEST(Latch, FibersOfTwoRuntimesAndPlainThreadsMeet) {
  const std::size_t rounds = stress_count(300);
  for (const unsigned workers : worker_counts) {
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    for (std::size_t n = 0; n < rounds; ++n) {
      weft::latch l(6);
      std::atomic<int> arrived{0};
      const auto meet = [&] {
        ++arrived;
        l.arrive_and_wait();
        EXPECT_EQ(arrived, 6);
      };
      auto a = one.spawn(meet);
      auto b = one.spawn(meet);
      auto c = two.spawn(meet);
      auto d = two.spawn(meet);
      std::thread t(meet);
      meet();
      t.join();
      for (auto* f : {&a, &b, &c, &d}) f->join();
    }
  }
}

TEST(Latch, TimedOutWaitsLeaveNoTraceAndStoppedArrivalsCount) {
  under_seeds([](test_runtime& rt) {
    weft::latch l(3);
    auto late = rt.spawn("late", [&] { return l.wait_for(5ms); });
    auto stopped = rt.spawn("stopped", [&] { l.wait(); });
    auto arrived = rt.spawn("arrived", [&] { l.arrive_and_wait(); });
    auto stopped_before = rt.spawn("stopped before", [&] { l.arrive_and_wait(); });
    stopped_before.request_stop();
    auto patient = rt.spawn("patient", [&] { return l.wait_for(1h); });
    rt.run_until_idle();
    EXPECT_THROW(stopped_before.join(), weft::cancelled);
    stopped.request_stop();
    arrived.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_THROW(arrived.join(), weft::cancelled);
    rt.advance(5ms);
    EXPECT_FALSE(late.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    auto last = rt.spawn("last", [&] { l.arrive_and_wait(); });  // two were stopped, but had arrived
    last.request_stop();
    last.join();  // it did not have to wait
    EXPECT_TRUE(patient.join());
  });
}

TEST(Latch, TheLastArrivalRacingDeadlinesAndStopsEndsEveryWaitOnce) {
  under_seeds([](test_runtime& rt) {
    weft::latch l(4);
    int through = 0, late = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 8; ++i) {
      fibers.push_back(rt.spawn("waiter", [&, i] {
        if (i < 3)
          l.arrive_and_wait();
        else if (!l.wait_for(i % 2 == 0 ? 1ms : 2ms))
          return void(++late);
        ++through;
      }));
    }
    auto last = rt.spawn("last", [&] {
      weft::this_fiber::sleep_for(1ms);
      l.count_down();
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (const std::size_t i : {0U, 3U, 4U}) fibers[i].request_stop();
    });
    rt.advance(3ms);
    EXPECT_EQ(rt.live_count(), 0U) << rt.describe();
    last.join();
    stopper.join();
    const int stopped = join_all(fibers);
    EXPECT_EQ(through + late + stopped, 8);
    EXPECT_GE(through, 4);  // two that arrived and two that waited for longer were not stopped
  });
}

TEST(Latch, APollingLoopLetsTheOthersRun) {
  weft::run({.workers = 1}, [] {
    weft::latch l(1);
    auto f = weft::spawn([&] { l.count_down(); });
    while (!l.try_wait()) {
    }
    f.join();
  });
}

TEST(Latch, TooManyArrivalsAreReported) {
  for (const bool waits : {false, true}) {
    const child_result result = run_in_child([&] {
      weft::latch l(2);
      waits ? l.arrive_and_wait(3) : l.count_down(3);
    });
    EXPECT_TRUE(result.killed_by(SIGABRT));
    EXPECT_NE(result.errors.find("wait_group or latch"), std::string::npos) << result.errors;
  }
}

}  // namespace
