// Waits that a stop token ends, of both condition variables and with any lock: no stop is lost, and none uses up a
// notification, also when the lock itself waits while it is given back.
#include <atomic>       // progress of real threads
#include <chrono>       // durations
#include <memory>       // unique_ptr
#include <mutex>        // unique_lock, lock_guard
#include <thread>       // plain threads
#include <type_traits>  // is_same_v
#include <vector>       // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/condition_variable_any.hpp>
#include <weft/sync/recursive_mutex.hpp>
#include <weft/sync/shared_mutex.hpp>
#include <weft/sync/stop_token.hpp>
#include <weft/sync/timed_mutex.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/waiting_lock.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

// What a lock has: lock() and unlock(), and nothing else.
struct bare_lock {
  void lock() { m.lock(); }
  void unlock() { m.unlock(); }
  weft::mutex m;
};

// A condition variable and a lock to wait with. Of the one for any lock there are six, which share the seeds.
template <class Condition, class Lock>
struct pairing {
  using condition = Condition;
  using lock = Lock;
  static constexpr bool of_any = std::is_same_v<Condition, weft::condition_variable_any>;
  static constexpr int rounds = of_any ? 10 : 20;
  static constexpr std::size_t seeds(std::size_t of_each) { return of_any ? of_each : usual_seeds; }

  // Until nothing moves any more. A lock may take its time to be given back.
  static void settle(test_runtime& rt) {
    if constexpr (std::is_same_v<Lock, waiting_lock>) {
      rt.advance(1ms);
    } else {
      rt.run_until_idle();
    }
  }
};

// A wait without a token, as each of the two knows it.
template <class... Condition>
void wait_without_token(weft::condition_variable& c, std::unique_lock<weft::mutex>& lock, Condition... condition) {
  c.wait(lock, condition...);
}
template <class Lock, class... Condition>
void wait_without_token(weft::condition_variable_any& c, std::unique_lock<Lock>& lock, Condition... condition) {
  c.wait(*lock.mutex(), condition...);
}

template <class Pairing>
class StopWait : public ::testing::Test {};
template <class Lock>
using any_with = pairing<weft::condition_variable_any, Lock>;
using pairings = ::testing::Types<pairing<weft::condition_variable, weft::mutex>, any_with<weft::mutex>,
                                  any_with<weft::recursive_mutex>, any_with<weft::timed_mutex>,
                                  any_with<weft::shared_mutex>, any_with<bare_lock>, any_with<waiting_lock>>;
TYPED_TEST_SUITE(StopWait, pairings);

TYPED_TEST(StopWait, AStopEndsTheWaitWithTheLockLocked) {
  under_seeds(TypeParam::seeds(300), [](test_runtime& rt) {
    typename TypeParam::lock m;
    typename TypeParam::condition c;
    weft::stop_source source;
    auto waiter = rt.spawn("waiter", [&] {
      std::unique_lock lock(m);
      const bool result = c.wait(lock, source.get_token(), [] { return false; });
      EXPECT_TRUE(lock.owns_lock());
      return result;
    });
    auto other = rt.spawn("other", [&] {
      std::unique_lock lock(m);
      wait_without_token(c, lock);  // a stop of a token that is not its own is not even a spurious wake-up
    });
    TypeParam::settle(rt);
    ASSERT_EQ(rt.parked_count(), 2U);
    const auto stop = [&] {
      const std::lock_guard lock(m);  // a requester may hold it
      source.request_stop();
    };
    if constexpr (TypeParam::of_any) {
      rt.spawn("stopper", stop).join();
    } else {
      stop();
    }
    EXPECT_FALSE(waiter.join());
    TypeParam::settle(rt);
    EXPECT_EQ(rt.parked_count(), 1U);
    c.notify_one();
    other.join();
  });
}

TYPED_TEST(StopWait, AStopBeforeTheWaitAsksTheConditionOnce) {
  everywhere(
      [] {
        typename TypeParam::lock m;
        typename TypeParam::condition c;
        weft::stop_source source;
        source.request_stop();
        std::unique_lock lock(m);
        int asked = 0;
        EXPECT_FALSE(c.wait(lock, source.get_token(), [&] { return ++asked == 2; }));
        EXPECT_EQ(asked, 1);
        EXPECT_TRUE(c.wait(lock, source.get_token(), [] { return true; }));
        EXPECT_FALSE(c.wait_for(lock, source.get_token(), 1h, [] { return false; }));
        EXPECT_TRUE(c.wait_until(lock, source.get_token(), std::chrono::steady_clock::now() - 1h, [] { return true; }));
        EXPECT_TRUE(lock.owns_lock());
      },
      TypeParam::seeds(100));
}

TYPED_TEST(StopWait, TimesOutAndIsNotified) {
  under_seeds(TypeParam::seeds(100), [](test_runtime& rt) {
    typename TypeParam::lock m;
    typename TypeParam::condition c;
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
    TypeParam::settle(rt);
    EXPECT_FALSE(late.join());
    EXPECT_FALSE(later.join());
    condition = true;
    c.notify_all();
    EXPECT_TRUE(patient.join());
    EXPECT_TRUE(stateless.join());
    EXPECT_FALSE(source.stop_requested());
  });
}

TYPED_TEST(StopWait, IsACancellationPointOfTheWaitingFiber) {
  for (const bool before : {false, true}) {
    under_seeds(TypeParam::seeds(100), [&](test_runtime& rt) {
      typename TypeParam::lock m;
      typename TypeParam::condition c;
      weft::stop_source source;
      bool locked_at_throw = false;
      auto stopped = rt.spawn("stopped", [&] {
        std::unique_lock lock(m, std::defer_lock);
        {
          const weft::cancel_shield shield;
          lock.lock();
        }
        try {
          c.wait(lock, source.get_token(), [] { return false; });
        } catch (const weft::cancelled&) {
          locked_at_throw = lock.owns_lock();
          if constexpr (std::is_same_v<typename TypeParam::lock, weft::mutex>) {
            EXPECT_FALSE(m.try_lock());
          }
          throw;
        }
      });
      auto shielded = rt.spawn("shielded", [&] {
        const weft::cancel_shield shield;
        std::unique_lock lock(m);
        return c.wait(lock, weft::this_fiber::get_stop_token(), [] { return false; });
      });
      if (!before) TypeParam::settle(rt);
      stopped.request_stop();
      shielded.request_stop();  // the shield hides the cancellation; the token still tells
      EXPECT_THROW(stopped.join(), weft::cancelled);
      EXPECT_TRUE(locked_at_throw);
      EXPECT_FALSE(shielded.join());
    });
  }
}

// The stop comes at any moment: while the condition is asked, while the lock is given back, while the wait is registered,
// while it sleeps.
TYPED_TEST(StopWait, NoStopIsLostAtAnyMoment) {
  everywhere(
      [] {
        for (int i = 0; i < TypeParam::rounds; ++i) {
          typename TypeParam::lock m;
          typename TypeParam::condition c;
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
      },
      TypeParam::seeds(300));
}

// Tokens with one notification each: a notification that went to a waiter whose token had been stopped, or whose time had
// passed, would leave a patient taker asleep beside a token.
TYPED_TEST(StopWait, NotificationsRacingStopsAreNeverLost) {
  everywhere(
      [] {
        constexpr std::size_t each = 3;
        typename TypeParam::lock m;
        typename TypeParam::condition c;
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
            wait_without_token(c, lock, available);
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
      },
      TypeParam::seeds(300));
}

// The rule of std: a condition variable may go as soon as its waiters have been notified. A stop that comes then must not
// look at it any more.
TYPED_TEST(StopWait, TheVariableMayGoAfterTheNotificationThoughAStopIsUnderWay) {
  everywhere(
      [] {
        for (int i = 0; i < TypeParam::rounds; ++i) {
          typename TypeParam::lock m;
          auto c = std::make_unique<typename TypeParam::condition>();
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
            const std::lock_guard lock(m);  // the waiter waits, or gives the lock back, or was stopped
            condition = true;
            c->notify_all();
            notified = !source.stop_requested();  // nothing but the notification can have ended the wait
            if (notified) c.reset();
          }
          EXPECT_TRUE(waiter.join() || !notified);
          stopper.join();
        }
      },
      TypeParam::seeds(200));
}

TYPED_TEST(StopWait, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    typename TypeParam::lock m;
    typename TypeParam::condition c;
    weft::stop_source source;
    std::unique_lock lock(m);
    const auto until = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(c.wait_until(lock, source.get_token(), until, [] { return false; }));
    EXPECT_GE(std::chrono::system_clock::now(), until);
  });
}

TYPED_TEST(StopWait, WorksBetweenTwoRuntimesAndPlainThreads) {
  weft::runtime one({.workers = 2}), two({.workers = 1});
  const std::size_t rounds = stress_count(300);
  for (std::size_t round = 0; round < rounds; ++round) {
    typename TypeParam::lock m;
    typename TypeParam::condition c;
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

}  // namespace
