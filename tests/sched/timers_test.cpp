// Sleeping fibers: never early, in order, however many and however far. The heap alone: timer_model_test.cpp.
#include <algorithm>   // is_sorted
#include <chrono>      // durations
#include <cstdlib>     // strtoull
#include <filesystem>  // the threads of this process
#include <fstream>     // their counters
#include <string>      // lines
#include <thread>      // plain threads
#include <unistd.h>    // gettid
#include <vector>      // handles

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/instrumented.hpp"
#include "support/scale.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using weft::testing::everywhere;
using weft::testing::instrumented;
using weft::testing::stress_count;
using weft::testing::test_runtime;
using weft::testing::test_schedule;
using weft::testing::under_seeds;
using weft::testing::with_real_workers;
namespace this_fiber = weft::this_fiber;

TEST(Sleep, WakesInOrderAndExactlyOnTime) {
  under_seeds([](test_runtime& rt) {
    const auto start = rt.now();
    std::vector<int> order;
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 20; ++i) {
      const int ms = (i * 7) % 20 + 1;
      all.push_back(rt.spawn("sleeper", [&, ms] {
        this_fiber::sleep_for(std::chrono::milliseconds(ms));
        EXPECT_EQ(rt.now() - start, std::chrono::milliseconds(ms));
        order.push_back(ms);
      }));
    }
    for (auto& f : all) f.join();
    EXPECT_EQ(order.size(), 20U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  });
}

TEST(Sleep, EqualDeadlinesAllFireAtThatTime) {
  under_seeds([](test_runtime& rt) {
    const auto until = rt.now() + 10ms;
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 30; ++i) {
      all.push_back(rt.spawn("twin", [&] {
        this_fiber::sleep_until(until);
        EXPECT_EQ(rt.now(), until);
      }));
    }
    rt.advance(10ms);
    for (auto& f : all) EXPECT_TRUE(f.join_for(0ms));
  });
}

TEST(Sleep, PastAndEmptyDurationsDoNotWait) {
  everywhere([] {
    const auto before = weft::detail::clock_now();
    this_fiber::sleep_for(0ms);
    this_fiber::sleep_for(-1h);
    this_fiber::sleep_for(std::chrono::nanoseconds::min());
    this_fiber::sleep_until(steady_clock::time_point{});
    this_fiber::sleep_until(steady_clock::time_point::min());
    this_fiber::sleep_until(std::chrono::system_clock::now() - 1h);
    EXPECT_LT(weft::detail::clock_now() - before, 10s);
  });
}

TEST(Sleep, FarFutureDoesNotOverflow) {
  everywhere([] {
    for (const auto& far : {std::chrono::nanoseconds::max(), std::chrono::nanoseconds::max() - 1ns}) {
      auto f = weft::spawn([far] { this_fiber::sleep_for(far); });
      EXPECT_FALSE(f.join_for(1ms));
      f.request_stop();
      EXPECT_THROW(f.join(), weft::cancelled);
    }
    auto f = weft::spawn([] { this_fiber::sleep_for(std::chrono::hours::max()); });
    auto g = weft::spawn([] { this_fiber::sleep_until(steady_clock::time_point::max() - 1ns); });
    auto h = weft::spawn([] { this_fiber::sleep_for(std::chrono::duration<double>(1e300)); });
    EXPECT_FALSE(f.join_for(1ms));
    EXPECT_FALSE(g.join_for(0ms));
    EXPECT_FALSE(h.join_for(0ms));
  });
}

TEST(Sleep, FractionsAreRoundedUp) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      const auto start = rt.now();
      this_fiber::sleep_for(std::chrono::duration<double, std::nano>(0.25));
      EXPECT_EQ(rt.now() - start, 1ns);
      this_fiber::sleep_for(std::chrono::duration<double, std::micro>(1.5));
      EXPECT_EQ(rt.now() - start, 1501ns);
    });
  });
}

TEST(Sleep, IsNeverEarlyInRealTime) {
  with_real_workers([](weft::runtime& rt) {
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 200; ++i) {
      all.push_back(rt.spawn([i] {
        const auto d = std::chrono::microseconds((i * 37) % 5000);
        const auto start = steady_clock::now();
        this_fiber::sleep_for(d);
        EXPECT_GE(steady_clock::now() - start, d);
        EXPECT_LT(steady_clock::now() - start, d + 20s);
      }));
    }
    for (auto& f : all) f.join();
  });
  const auto start = steady_clock::now();
  this_fiber::sleep_for(2ms);  // a plain thread
  EXPECT_GE(steady_clock::now() - start, 2ms);
}

TEST(Sleep, ManyAtOnce) {
  const std::size_t count = stress_count(20'000);
  with_real_workers([count](weft::runtime& rt) {
    rt.run([count] {
      std::atomic<std::size_t> woken{0};
      std::vector<weft::fiber<>> all;
      for (std::size_t i = 0; i < count; ++i) {
        all.push_back(weft::spawn([&woken, i] {
          this_fiber::sleep_for(std::chrono::microseconds(i % 20'000));
          ++woken;
        }));
      }
      for (auto& f : all) f.join();
      EXPECT_EQ(woken.load(), count);
    });
  });
}

// In virtual time, which stands still until the last of them sleeps. A page of stack each: a million, as in a soak, take
// 5 GB, and minutes where a first touch of a page costs 30 us, as on some virtual machines.
TEST(Sleep, ACrowdAtOnceEachUntilItsOwnTime) {
  // A page of stack and its share of page tables each. The thread sanitizer has room for 8000 fibers.
  const std::size_t wanted = weft::testing::soaking() ? 1'000'000 : 200'000;
  const std::size_t count =
      instrumented ? 2000 : weft::testing::stacks_with_room(weft::testing::fitting_count(wanted, 5000)) / 2 * 2;
  test_runtime rt(test_schedule{.seed = 1, .workers = 2});
  const auto start = rt.now();
  std::size_t woken = 0, on_time = 0;
  std::vector<weft::fiber<>> all;
  all.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto d = std::chrono::microseconds(i * 7919 % count + 1);
    all.push_back(rt.spawn("sleeper", [&, d] {
      this_fiber::sleep_for(d);
      ++woken;
      on_time += rt.now() - start == d ? 1U : 0U;
    }));
  }
  rt.run_until_idle();
  EXPECT_EQ(rt.parked_count(), count);
  rt.advance(std::chrono::microseconds(count / 2));
  EXPECT_EQ(woken, count / 2);
  rt.advance(std::chrono::microseconds(count / 2));
  EXPECT_EQ(woken, count);
  EXPECT_EQ(on_time, count);
  for (auto& f : all) f.join();
}

// How often the workers of this process have gone to sleep, by the kernel's count. The calling thread is left out.
std::uint64_t sleeps_of_other_threads() {
  std::uint64_t sum = 0;
  const std::string mine = std::to_string(::gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == mine) continue;
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) sum += std::strtoull(line.c_str() + 24, nullptr, 10);
    }
  }
  return sum;
}

// An idle runtime sleeps until its next timer: no worker looks around in between.
TEST(Sleep, IdleWorkersSleepUntilTheNextDeadline) {
  if (weft::testing::instrumented) GTEST_SKIP() << "the sanitizer's own thread wakes up";
  for (const unsigned workers : weft::testing::worker_counts) {
    weft::runtime rt(weft::runtime_options{.workers = workers});
    std::vector<weft::fiber<>> late;
    for (int i = 0; i < 20; ++i) late.push_back(rt.spawn([] { this_fiber::sleep_for(1000h); }));
    // The first sleepers look a few times more for work of those that are still awake: until then, tried again.
    bool quiet = false;
    for (int tries = 0; tries < 50 && !quiet; ++tries) {
      const std::uint64_t before = sleeps_of_other_threads();
      std::this_thread::sleep_for(400ms);  // the time watched: what must not happen in it is a wake-up
      quiet = sleeps_of_other_threads() == before;
    }
    EXPECT_TRUE(quiet) << workers << " workers keep waking up";
  }
}

// Many due at once do not hold up who is ready: between two turns of a fiber that yields, few of them run.
TEST(Sleep, ManyDueAtOnceLeaveRoomForWhoIsReady) {
  constexpr std::size_t count = weft::testing::instrumented ? 4'000 : weft::testing::stacks_with_room(40'000);
  weft::run(weft::runtime_options{.workers = 1}, [] {
    const auto until = steady_clock::now() + (weft::testing::instrumented ? 3s : 1s);
    std::size_t woken = 0;
    std::vector<weft::fiber<>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(weft::spawn([&woken, until] {
        this_fiber::sleep_until(until);
        ++woken;
      }));
    }
    this_fiber::sleep_until(until - 50ms);
    std::size_t most = 0;
    while (woken < count) {
      const std::size_t before = woken;
      for (const auto busy = steady_clock::now() + 1us; steady_clock::now() < busy;) {  // few yields fit into a round
      }
      this_fiber::yield();
      most = std::max(most, woken - before);
    }
    EXPECT_LE(most, count / 4);  // without the limit it is nearly half of them
    for (auto& f : all) f.join();
  });
}

// A worker in its longest sleep learns of an earlier timer from a fiber that comes to it.
TEST(Sleep, AnEarlierTimerCutsAnIdleWorkersSleep) {
  with_real_workers([](weft::runtime& rt) {
    auto late = rt.spawn([] { this_fiber::sleep_for(1000h); });
    std::this_thread::sleep_for(5ms);
    const auto start = steady_clock::now();
    rt.spawn([] { this_fiber::sleep_for(1ms); }).join();
    EXPECT_LT(steady_clock::now() - start, 20s);
  });
}

}  // namespace
