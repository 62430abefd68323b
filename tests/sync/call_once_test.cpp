// call_once: once, whoever comes, whatever the first ones throw.
#include <atomic>     // counts of real threads
#include <stdexcept>  // runtime_error
#include <thread>     // plain threads
#include <vector>     // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/call_once.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::once_flag) == 8);

TEST(CallOnce, RunsTheInitializerOnceAndAllSeeItsWork) {
  everywhere([] {
    weft::once_flag flag;
    int calls = 0, value = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 10; ++i) {
      fibers.push_back(weft::spawn([&] {
        weft::call_once(flag, [&] {
          ++calls;
          yield();
          value = 42;
        });
        EXPECT_EQ(value, 42);
      }));
    }
    for (auto& f : fibers) f.join();
    EXPECT_EQ(calls, 1);
  });
}

TEST(CallOnce, PassesArgumentsOnAndCallsMembers) {
  struct counter {
    int n = 0;
    void add(std::unique_ptr<int> what) { n += *what; }
  };
  weft::once_flag flag;
  counter c;
  weft::call_once(flag, &counter::add, &c, std::make_unique<int>(3));
  weft::call_once(flag, &counter::add, &c, std::make_unique<int>(4));
  EXPECT_EQ(c.n, 3);
}

TEST(CallOnce, AfterAnExceptionTheNextInTheOrderOfArrivalTries) {
  under_seeds([](test_runtime& rt) {
    weft::once_flag flag;
    weft::event go;
    std::vector<int> tried;
    int through = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 5; ++i) {
      fibers.push_back(rt.spawn("caller", [&, i] {
        weft::call_once(flag, [&] {
          tried.push_back(i);
          go.wait();
          if (i < 2) throw std::runtime_error("not yet");
        });
        ++through;
      }));
      rt.run_until_idle();
    }
    EXPECT_EQ(rt.parked_count(), 5U);
    go.set();
    for (std::size_t i = 0; i < 5; ++i) {
      if (i < 2)
        EXPECT_THROW(fibers[i].join(), std::runtime_error);
      else
        fibers[i].join();
    }
    EXPECT_EQ(tried, (std::vector{0, 1, 2}));
    EXPECT_EQ(through, 3);
    weft::call_once(flag, [] { FAIL(); });
  });
}

TEST(CallOnce, CanBeTriedAgainWhenNobodyElseWaited) {
  weft::once_flag flag;
  EXPECT_THROW(weft::call_once(flag, [] { throw 1; }), int);
  EXPECT_THROW(weft::call_once(flag, [] { throw 2; }), int);
  bool ran = false;
  weft::call_once(flag, [&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(CallOnce, IsNotACancellationPointButItsInitializerMayBe) {
  under_seeds([](test_runtime& rt) {
    weft::once_flag flag;
    weft::event never, go;
    bool stopped_inside = false;
    auto first = rt.spawn("first", [&] {
      weft::call_once(flag, [&] {
        try {
          never.wait();
        } catch (const weft::cancelled&) {
          stopped_inside = true;
          throw;
        }
      });
    });
    rt.run_until_idle();
    auto waiting = rt.spawn("waiting", [&] {
      weft::call_once(flag, [&] {
        const weft::cancel_shield shield;
        go.wait();
      });
    });
    auto other = rt.spawn("other", [&] { weft::call_once(flag, [&] { go.wait(); }); });
    rt.run_until_idle();
    waiting.request_stop();
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 3U);
    first.request_stop();
    EXPECT_THROW(first.join(), weft::cancelled);
    EXPECT_TRUE(stopped_inside);
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    go.set();
    (void)join_stopped(waiting);
    other.join();
  });
}

TEST(CallOnce, FibersOfTwoRuntimesAndPlainThreadsRunItOnce) {
  const std::size_t rounds = stress_count(1000);
  for (const unsigned workers : worker_counts) {
    std::vector<weft::once_flag> flags(rounds);
    std::vector<int> values(rounds);  // unprotected: call_once orders them
    std::atomic<std::size_t> thrown{0};
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    const auto work = [&](unsigned who) {
      for (std::size_t i = 0; i < rounds; ++i) {
        for (bool done = false; !done;) {
          try {
            weft::call_once(flags[i], [&] {
              if ((i + who) % 3 == 0) yield();
              if ((i + thrown) % 4 == 0) {
                ++thrown;
                throw 1;
              }
              ++values[i];
            });
            done = true;
          } catch (int) {
          }
        }
        EXPECT_EQ(values[i], 1);
      }
    };
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 6; ++i) fibers.push_back((i % 3 == 0 ? two : one).spawn(work, i));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, i);
    for (auto& t : threads) t.join();
    for (auto& f : fibers) f.join();
    EXPECT_GT(thrown, 0U);
  }
}

TEST(CallOnce, AnInitializerThatCallsItselfIsReported) {
  const child_result result = run_in_child([] {
    weft::once_flag flag;
    weft::call_once(flag, [&] { weft::call_once(flag, [] {}); });
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("the initializer calls call_once with its own flag"), std::string::npos)
      << result.errors;
}

}  // namespace
