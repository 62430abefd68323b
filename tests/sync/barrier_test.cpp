// The barrier: phases, the completion function, and what those who give up leave behind.
#include <atomic>  // arrivals
#include <chrono>  // durations
#include <thread>  // plain threads
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/barrier.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::barrier<>) == 24);

// Everybody writes its own slot, meets, reads all slots, meets again.
void meet_many_times(int parties, int phases) {
  int completions = 0, seen_last = 0;
  std::vector<int> slots(static_cast<std::size_t>(parties));
  auto complete = [&]() noexcept {
    ++completions;
    for (const int s : slots) seen_last += s == completions / 2 + 1;
  };
  weft::barrier b(parties, complete);
  std::vector<weft::fiber<>> fibers;
  for (int i = 0; i < parties; ++i) {
    fibers.push_back(weft::spawn([&, i] {
      for (int phase = 1; phase <= phases; ++phase) {
        slots[static_cast<std::size_t>(i)] = phase;
        if ((i + phase) % 3 == 0) yield();
        b.arrive_and_wait();
        EXPECT_EQ(completions, 2 * phase - 1);
        for (const int s : slots) EXPECT_EQ(s, phase);
        if ((i + phase) % 4 == 0)
          b.arrive_and_wait();
        else
          b.wait(b.arrive());
      }
    }));
  }
  for (auto& f : fibers) f.join();
  EXPECT_EQ(completions, 2 * phases);
}

TEST(Barrier, LetsNobodyThroughBeforeAllHaveArrivedPhaseAfterPhase) {
  everywhere([] { meet_many_times(8, 10); });
  everywhere([] { meet_many_times(1, 3); });
}

TEST(Barrier, FibersOfTwoRuntimesAndPlainThreadsMeet) {
  const int phases = static_cast<int>(stress_count(500));
  for (const unsigned workers : worker_counts) {
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    std::atomic<int> arrived{0};
    int completions = 0;
    weft::barrier b(6, [&]() noexcept {
      EXPECT_EQ(arrived.exchange(0), 6);
      ++completions;
    });
    const auto meet = [&] {
      for (int n = 0; n < phases; ++n) {
        ++arrived;
        b.arrive_and_wait();
        EXPECT_EQ(completions, n + 1);
      }
    };
    auto a = one.spawn(meet);
    auto c = one.spawn(meet);
    auto d = two.spawn(meet);
    auto e = two.spawn(meet);
    std::thread t(meet);
    meet();
    t.join();
    for (auto* f : {&a, &c, &d, &e}) f->join();
    EXPECT_EQ(completions, phases);
  }
}

TEST(Barrier, ArriveDoesNotWaitAndItsTokenIsForItsPhase) {
  everywhere([] {
    int completions = 0;
    weft::barrier b(2, [&]() noexcept { ++completions; });
    auto first = b.arrive();
    EXPECT_FALSE(b.wait_for(first, 0s));
    EXPECT_FALSE(b.wait_until(first, std::chrono::system_clock::now() - 1h));
    auto second = b.arrive();
    EXPECT_EQ(completions, 1);
    EXPECT_TRUE(b.wait_for(first, 0s));
    b.wait(std::move(first));
    b.wait(std::move(second));
    auto both = b.arrive(2);
    EXPECT_EQ(completions, 2);
    b.wait(std::move(both));
    auto next = b.arrive();
    EXPECT_FALSE(b.wait_for(next, 0s));
    (void)b.arrive();
  });
}

TEST(Barrier, WhoDropsIsExpectedInThisPhaseOnly) {
  everywhere([] {
    int completions = 0;
    weft::barrier b(3, [&]() noexcept { ++completions; });
    auto dropper = weft::spawn([&] { b.arrive_and_drop(); });
    auto other = weft::spawn([&] {
      for (int i = 0; i < 3; ++i) b.arrive_and_wait();
    });
    for (int i = 0; i < 3; ++i) b.arrive_and_wait();
    dropper.join();
    other.join();
    EXPECT_EQ(completions, 3);
    b.arrive_and_drop();
    b.arrive_and_wait();
    EXPECT_EQ(completions, 4);
    b.arrive_and_wait();  // alone
    EXPECT_EQ(completions, 5);
    b.arrive_and_drop();
    EXPECT_EQ(completions, 6);
  });
}

TEST(Barrier, TheCompletionMaySuspendAndIsNotStopped) {
  under_seeds([](test_runtime& rt) {
    weft::event go;
    int completions = 0, through = 0;
    weft::barrier b(3, [&]() noexcept {
      go.wait();
      ++completions;
    });
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 3; ++i) {
      fibers.push_back(rt.spawn("party", [&] {
        b.arrive_and_wait();
        EXPECT_EQ(completions, 1);
        ++through;
      }));
    }
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 3U);
    for (auto& f : fibers) f.request_stop();
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);  // the one that completes
    EXPECT_EQ(completions, 0);
    go.set();
    EXPECT_EQ(join_all(fibers), 2);
    EXPECT_EQ(through, 1);
  });
}

TEST(Barrier, TimedOutWaitsLeaveNoTraceAndStoppedArrivalsCount) {
  under_seeds([](test_runtime& rt) {
    int completions = 0;
    weft::barrier b(4, [&]() noexcept { ++completions; });
    auto late = rt.spawn("late", [&] {
      auto token = b.arrive();
      const bool in_time = b.wait_for(token, 5ms);
      b.wait(std::move(token));
      return in_time;
    });
    auto stopped = rt.spawn("stopped", [&] { b.arrive_and_wait(); });
    auto stopped_before = rt.spawn("stopped before", [&] { b.arrive_and_wait(); });
    stopped_before.request_stop();
    rt.run_until_idle();
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_THROW(stopped_before.join(), weft::cancelled);
    rt.advance(5ms);
    EXPECT_EQ(rt.parked_count(), 1U);
    auto last = rt.spawn("last", [&] { b.arrive_and_wait(); });
    last.request_stop();
    last.join();  // it did not have to wait
    EXPECT_FALSE(late.join());
    EXPECT_EQ(completions, 1);
  });
}

// A stop that meets the last arrival: each party ends once, and the phase is completed once.
TEST(Barrier, TheLastArrivalRacingStopsAndDeadlinesCompletesOnce) {
  under_seeds([](test_runtime& rt) {
    int completions = 0, through = 0, late = 0;
    weft::barrier b(6, [&]() noexcept { ++completions; });
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 6; ++i) {
      fibers.push_back(rt.spawn("party", [&, i] {
        if (i > 3) weft::this_fiber::sleep_for(1ms);
        if (i % 2 == 0) {
          b.arrive_and_wait();
        } else if (auto token = b.arrive(); !b.wait_for(token, 1ms)) {
          return void(++late);
        }
        EXPECT_EQ(completions, 1);
        ++through;
      }));
    }
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (const std::size_t i : {0U, 1U}) fibers[i].request_stop();
    });
    rt.advance(3ms);
    EXPECT_EQ(rt.live_count(), 0U) << rt.describe();
    stopper.join();
    const int stopped = join_all(fibers);
    EXPECT_EQ(through + late + stopped, 6);
    EXPECT_LE(stopped, 2);
    EXPECT_EQ(completions, 1);
    auto token = b.arrive(6);  // the next phase is whole
    b.wait(std::move(token));
    EXPECT_EQ(completions, 2);
  });
}

TEST(Barrier, TooManyArrivalsAreReported) {
  const child_result result = run_in_child([] {
    weft::barrier<> b(2);
    (void)b.arrive(3);
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("barrier: more arrivals"), std::string::npos) << result.errors;
}

}  // namespace
