// Waits of a condition variable that a stop token ends: no stop is lost, and none uses up a notification.
#include <atomic>  // progress of real threads
#include <chrono>  // durations
#include <memory>  // unique_ptr
#include <mutex>   // unique_lock, lock_guard
#include <thread>  // plain threads
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/stop_token.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

TEST(StopWait, AStopEndsTheWaitWithTheMutexLocked) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    auto waiter = rt.spawn("waiter", [&] {
      std::unique_lock lock(m);
      const bool result = c.wait(lock, source.get_token(), [] { return false; });
      EXPECT_TRUE(lock.owns_lock());
      return result;
    });
    auto other = rt.spawn("other", [&] {
      std::unique_lock lock(m);
      c.wait(lock);  // a stop of a token that is not its own is not even a spurious wake-up
    });
    rt.run_until_idle();
    ASSERT_EQ(rt.parked_count(), 2U);
    {
      const std::lock_guard lock(m);  // a requester may hold it
      source.request_stop();
    }
    EXPECT_FALSE(waiter.join());
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    c.notify_one();
    other.join();
  });
}

TEST(StopWait, AStopBeforeTheWaitAsksTheConditionOnce) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    source.request_stop();
    std::unique_lock lock(m);
    int asked = 0;
    EXPECT_FALSE(c.wait(lock, source.get_token(), [&] { return ++asked == 2; }));
    EXPECT_EQ(asked, 1);
    EXPECT_TRUE(c.wait(lock, source.get_token(), [] { return true; }));
    EXPECT_FALSE(c.wait_for(lock, source.get_token(), 1h, [] { return false; }));
  });
}

TEST(StopWait, TimesOutAndIsNotified) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    bool condition = false;
    auto late = rt.spawn("late", [&] {
      std::unique_lock lock(m);
      return c.wait_for(lock, source.get_token(), 5ms, [&] { return condition; });
    });
    auto later = rt.spawn("later", [&] {
      std::unique_lock lock(m);
      return c.wait_until(lock, source.get_token(), rt.now() + 6ms, [&] { return condition; });
    });
    auto patient = rt.spawn("patient", [&] {
      std::unique_lock lock(m);
      return c.wait(lock, source.get_token(), [&] { return condition; });
    });
    auto stateless = rt.spawn("stateless", [&] {
      std::unique_lock lock(m);
      return c.wait(lock, weft::stop_token(), [&] { return condition; });
    });
    rt.run_until_idle();
    rt.advance(4ms);
    EXPECT_EQ(rt.parked_count(), 4U);
    rt.advance(2ms);
    EXPECT_FALSE(late.join());
    EXPECT_FALSE(later.join());
    condition = true;
    c.notify_all();
    EXPECT_TRUE(patient.join());
    EXPECT_TRUE(stateless.join());
    EXPECT_FALSE(source.stop_requested());
  });
}

TEST(StopWait, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    std::unique_lock lock(m);
    const auto until = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(c.wait_until(lock, source.get_token(), until, [] { return false; }));
    EXPECT_GE(std::chrono::system_clock::now(), until);
  });
}

TEST(StopWait, IsACancellationPointOfTheWaitingFiber) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    bool locked_at_throw = false;
    auto stopped = rt.spawn("stopped", [&] {
      std::unique_lock lock(m);
      try {
        c.wait(lock, source.get_token(), [] { return false; });
      } catch (const weft::cancelled&) {
        locked_at_throw = lock.owns_lock() && !m.try_lock();
        throw;
      }
    });
    auto shielded = rt.spawn("shielded", [&] {
      const weft::cancel_shield shield;
      std::unique_lock lock(m);
      return c.wait(lock, weft::this_fiber::get_stop_token(), [] { return false; });
    });
    rt.run_until_idle();
    stopped.request_stop();
    shielded.request_stop();  // the shield hides the cancellation; the token still tells
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_TRUE(locked_at_throw);
    EXPECT_FALSE(shielded.join());
  });
}

TEST(StopWait, NoStopIsLostAtAnyMoment) {
  everywhere([] {
    for (int i = 0; i < 20; ++i) {
      weft::mutex m;
      weft::condition_variable c;
      weft::stop_source source;
      auto waiter = weft::spawn(weft::fiber_options{.spread = true}, [&] {
        std::unique_lock lock(m);
        return c.wait(lock, source.get_token(), [] {
          yield();
          return false;
        });
      });
      auto noise = weft::spawn(weft::fiber_options{.spread = true}, [&] {
        while (!source.stop_requested()) {
          c.notify_all();
          yield();
        }
      });
      for (int k = 0; k < i % 7; ++k) yield();
      source.request_stop();
      EXPECT_FALSE(waiter.join());  // or this hangs
      noise.join();
    }
  });
}

// Tokens with one notification each, as in condition_variable_test.cpp: a notification that went to a waiter whose token
// had been stopped would leave a patient taker asleep beside a token.
TEST(StopWait, NotificationsRacingStopsAreNeverLost) {
  everywhere([] {
    constexpr std::size_t each = 3;
    weft::mutex m;
    weft::condition_variable c;
    int tokens = 0;
    std::atomic<int> taken{0};
    weft::stop_source sources[each];
    const auto available = [&] { return tokens != 0; };
    std::vector<weft::fiber<>> stoppable, patient;
    for (std::size_t i = 0; i < each; ++i) {
      stoppable.push_back(weft::spawn([&, i] {
        std::unique_lock lock(m);
        if (c.wait_for(lock, sources[i].get_token(), i == 0 ? 50us : 1h, available)) {
          --tokens;
          ++taken;
        }
      }));
      patient.push_back(weft::spawn([&] {
        std::unique_lock lock(m);
        c.wait(lock, available);
        --tokens;
        ++taken;
      }));
    }
    const auto put = [&] {
      const std::lock_guard lock(m);
      ++tokens;
      c.notify_one();
    };
    auto stopper = weft::spawn(weft::fiber_options{.spread = true}, [&] {
      for (auto& s : sources) {
        s.request_stop();
        yield();
      }
    });
    for (std::size_t i = 0; i < each; ++i) {
      put();
      yield();
    }
    stopper.join();
    for (auto& f : stoppable) f.join();
    const int by_now = taken;
    ASSERT_LE(by_now, static_cast<int>(each));
    for (std::size_t i = 0; i < each; ++i) put();
    for (auto& f : patient) f.join();  // or this hangs
    EXPECT_EQ(static_cast<int>(2 * each), taken + tokens);
  });
}

TEST(StopWait, WorksBetweenTwoRuntimesAndPlainThreads) {
  weft::runtime one({.workers = 2}), two({.workers = 1});
  const std::size_t rounds = stress_count(300);
  for (std::size_t round = 0; round < rounds; ++round) {
    weft::mutex m;
    weft::condition_variable c;
    weft::stop_source source;
    std::atomic<int> waiting{0};
    const auto wait = [&] {
      std::unique_lock lock(m);
      ++waiting;
      EXPECT_FALSE(c.wait(lock, source.get_token(), [] { return false; }));
    };
    auto a = one.spawn(wait);
    auto b = two.spawn(wait);
    std::thread t(wait);
    if (round % 2 == 0) {
      while (waiting != 3) std::this_thread::yield();
    }
    source.request_stop();
    a.join();
    b.join();
    t.join();
  }
}

// The rule of std: a condition variable may go as soon as its waiters have been notified. A stop that comes then must not
// look at it any more.
TEST(StopWait, TheVariableMayGoAfterTheNotificationThoughAStopIsUnderWay) {
  everywhere([] {
    for (int i = 0; i < 20; ++i) {
      weft::mutex m;
      auto c = std::make_unique<weft::condition_variable>();
      weft::stop_source source;
      bool condition = false, notified = false;
      std::atomic<bool> waits{false};
      auto waiter = weft::spawn(weft::fiber_options{.spread = true}, [&] {
        std::unique_lock lock(m);
        waits = true;
        return c->wait(lock, source.get_token(), [&] { return condition; });
      });
      while (!waits) yield();
      auto stopper = weft::spawn(weft::fiber_options{.spread = true}, [&, i] {
        for (int k = 0; k < i % 4; ++k) yield();
        source.request_stop();
      });
      {
        const std::lock_guard lock(m);  // the waiter waits, or was stopped
        condition = true;
        c->notify_all();
        notified = !source.stop_requested();  // nothing but the notification can have ended the wait
        if (notified) c.reset();
      }
      EXPECT_TRUE(waiter.join() || !notified);
      stopper.join();
    }
  });
}

}  // namespace
