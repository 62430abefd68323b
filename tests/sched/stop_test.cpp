// Cancellation: where it is delivered, that it is sticky, and where it is masked.
#include <chrono>     // durations
#include <exception>  // uncaught_exceptions
#include <vector>     // handles

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::everywhere;
using weft::testing::test_runtime;
using weft::testing::under_seeds;

void sleep_forever() { weft::this_fiber::sleep_until(std::chrono::steady_clock::time_point::max()); }

TEST(Stop, EndsASleep) {
  everywhere([] {
    auto f = weft::spawn(sleep_forever);
    weft::this_fiber::yield();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Stop, EndsAJoinAndLeavesTheHandleJoinable) {
  everywhere([] {
    auto child = weft::spawn([] {
      sleep_forever();
      return 1;
    });
    bool still_joinable = false;
    auto waits = weft::spawn([&] {
      try {
        child.join();
      } catch (const weft::cancelled&) {
        still_joinable = child.joinable();
        throw;
      }
    });
    weft::this_fiber::yield();
    waits.request_stop();
    EXPECT_THROW(waits.join(), weft::cancelled);
    EXPECT_TRUE(still_joinable);
    child.request_stop();
    EXPECT_THROW((void)child.join(), weft::cancelled);
  });
}

TEST(Stop, BeforeTheStartStillRunsTheFiber) {
  const auto body = [] {
    bool ran = false;
    auto f = weft::spawn([&] {
      ran = true;
      weft::this_fiber::sleep_for(0ms);  // the first point, even one that would not wait
      ADD_FAILURE() << "not cancelled";
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(ran);
  };
  weft::run({.workers = 1}, body);  // not more: another worker could start it before it is stopped
  under_seeds([&](test_runtime& rt) { rt.run(body); });
}

TEST(Stop, YieldIsNoCancellationPoint) {
  everywhere([] {
    int yields = 0;
    auto f = weft::spawn([&] {
      while (!weft::this_fiber::get_stop_token().stop_requested()) weft::this_fiber::yield();
      for (; yields < 5; ++yields) weft::this_fiber::yield();
      weft::this_fiber::check_stop();
      ADD_FAILURE() << "check_stop() did not throw";
    });
    weft::this_fiber::yield();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(yields, 5);
  });
}

TEST(Stop, AFiberThatNoticesAndReturnsIsNotCancelled) {
  everywhere([] {
    auto f = weft::spawn([] {
      const auto token = weft::this_fiber::get_stop_token();
      while (!token.stop_requested()) weft::this_fiber::yield();
      return 5;
    });
    f.request_stop();
    EXPECT_EQ(f.join(), 5);
  });
}

TEST(Stop, IsSticky) {
  everywhere([] {
    int swallowed = 0;
    auto f = weft::spawn([&] {
      for (; swallowed < 10; ++swallowed) {
        try {
          if (swallowed % 2 == 0) {
            weft::this_fiber::sleep_for(1h);
          } else {
            weft::this_fiber::check_stop();
          }
          return;
        } catch (...) {
        }
      }
      weft::this_fiber::check_stop();
    });
    f.request_stop();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(swallowed, 10);
  });
}

TEST(Stop, IsMaskedInAShieldAndDeliveredAfterIt) {
  everywhere([] {
    bool slept = false;
    bool joined = false;
    auto f = weft::spawn([&] {
      {
        const weft::cancel_shield outer;
        while (!weft::this_fiber::get_stop_token().stop_requested()) weft::this_fiber::yield();
        {
          const weft::cancel_shield inner;
          weft::this_fiber::sleep_for(1ms);
        }
        weft::this_fiber::check_stop();
        weft::this_fiber::sleep_for(1ms);
        slept = true;
        joined = weft::spawn([] {
                   weft::this_fiber::sleep_for(1ms);
                   return true;
                 }).join();
      }
      weft::this_fiber::sleep_for(1h);
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(slept);
    EXPECT_TRUE(joined);
  });
}

// A stop that comes while the fiber waits behind a shield does not end that wait.
TEST(Stop, DoesNotEndAWaitBehindAShield) {
  under_seeds([](test_runtime& rt) {
    const auto start = rt.now();
    auto f = rt.spawn("shielded", [] {
      const weft::cancel_shield shield;
      weft::this_fiber::sleep_for(50ms);
    });
    rt.run_until_idle();
    f.request_stop();
    f.join();
    EXPECT_EQ(rt.now() - start, 50ms);
  });
}

TEST(Stop, DestructorsMayWaitWhileUnwinding) {
  everywhere([] {
    struct waits_in_destructor {
      std::vector<int>* log;
      ~waits_in_destructor() {
        EXPECT_EQ(std::uncaught_exceptions(), 1);
        weft::this_fiber::sleep_for(1ms);
        log->push_back(1);
        weft::spawn([this] { log->push_back(2); }).join();
        weft::this_fiber::check_stop();
        log->push_back(3);
      }
    };
    std::vector<int> log;
    auto f = weft::spawn([&] {
      const waits_in_destructor guard{&log};
      sleep_forever();
    });
    weft::this_fiber::yield();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(log, (std::vector<int>{1, 2, 3}));
  });
}

// Unwinding is masked, the handler after it is not.
TEST(Stop, IsDeliveredAgainInAHandler) {
  everywhere([] {
    bool again = false;
    auto f = weft::spawn([&] {
      try {
        sleep_forever();
      } catch (const weft::cancelled&) {
        try {
          weft::this_fiber::sleep_for(1h);
        } catch (const weft::cancelled&) {
          again = true;
        }
        throw;
      }
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(again);
  });
}

TEST(Stop, TokensOutliveTheirFiber) {
  everywhere([] {
    weft::stop_token stopped;
    weft::stop_token quiet;
    {
      auto f = weft::spawn(sleep_forever);
      stopped = f.get_stop_token();
      EXPECT_TRUE(stopped.stop_possible());
      EXPECT_FALSE(stopped.stop_requested());
      EXPECT_EQ(stopped, f.get_stop_token());
      f.request_stop();
      EXPECT_TRUE(stopped.stop_requested());
      EXPECT_TRUE(f.get_stop_token().stop_requested());
    }
    auto g = weft::spawn([] { return weft::this_fiber::get_stop_token(); });
    quiet = g.join();
    EXPECT_TRUE(stopped.stop_requested());
    EXPECT_FALSE(quiet.stop_requested());
    EXPECT_FALSE(stopped == quiet);
    auto late = weft::spawn(sleep_forever);
    late.request_stop();
    EXPECT_TRUE(late.get_stop_token().stop_requested());  // made after the request
  });
}

// A record is used again at once: the new fiber must not inherit the old one's stop.
TEST(Stop, DoesNotReachTheNextUserOfTheRecord) {
  everywhere({.real = 100, .seeded = 5}, [](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto stopped = weft::spawn(sleep_forever);
      stopped.request_stop();
      EXPECT_THROW(stopped.join(), weft::cancelled);
      auto fresh = weft::spawn([] {
        weft::this_fiber::check_stop();
        weft::this_fiber::sleep_for(1us);
        return !weft::this_fiber::get_stop_token().stop_requested();
      });
      EXPECT_TRUE(fresh.join());
    }
  });
}

// The stop races the sleep's own end and the fiber's end.
TEST(Stop, AtAnyMoment) {
  everywhere([] {
    for (int i = 0; i < 40; ++i) {
      std::atomic<int> unwound{0};
      struct guard {
        std::atomic<int>* n;
        ~guard() { ++*n; }
      };
      auto f = weft::spawn([&, i] {
        const guard g{&unwound};
        for (int k = 0; k < 3; ++k) weft::this_fiber::sleep_for(std::chrono::microseconds(i % 5));
      });
      for (int k = 0; k < i % 6; ++k) weft::this_fiber::yield();
      f.request_stop();
      try {
        f.join();
      } catch (const weft::cancelled&) {
      }
      EXPECT_EQ(unwound.load(), 1);
    }
  });
}

TEST(Stop, OfARuntimeReachesAllItsFibers) {
  weft::testing::with_real_workers([](weft::runtime& rt) {
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 100; ++i) all.push_back(rt.spawn(sleep_forever));
    rt.request_stop();
    for (auto& f : all) EXPECT_THROW(f.join(), weft::cancelled);
    auto born_stopped = rt.spawn(sleep_forever);
    EXPECT_THROW(born_stopped.join(), weft::cancelled);
  });
}

TEST(Stop, NeverStopsAPlainThread) {
  EXPECT_FALSE(weft::this_fiber::get_stop_token().stop_possible());
  weft::this_fiber::check_stop();
  const weft::cancel_shield shield;  // no effect
  weft::this_fiber::sleep_for(1ms);
}

}  // namespace
