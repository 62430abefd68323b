// The condition variable: semantics, each way a wait can end, and that no notification is lost on the way.
#include <atomic>  // progress of real threads
#include <chrono>  // durations
#include <mutex>   // unique_lock, lock_guard
#include <thread>  // plain threads
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

TEST(ConditionVariable, IsEightBytes) { EXPECT_EQ(sizeof(weft::condition_variable), 8U); }

TEST(ConditionVariable, NotifyingNobodyDoesNothing) {
  everywhere([] {
    weft::condition_variable c;
    c.notify_one();
    c.notify_all();
    weft::mutex m;
    std::unique_lock lock(m);
    EXPECT_EQ(c.wait_for(lock, 0s), weft::cv_status::timeout);
    EXPECT_TRUE(lock.owns_lock());
  });
}

TEST(ConditionVariable, PassesABufferOfOneBackAndForth) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable full, empty;
    int buffer = 0, sum = 0;
    auto consumer = weft::spawn([&] {
      for (int i = 1; i <= 50; ++i) {
        std::unique_lock lock(m);
        full.wait(lock, [&] { return buffer != 0; });
        sum += buffer;
        buffer = 0;
        empty.notify_one();
      }
    });
    for (int i = 1; i <= 50; ++i) {
      std::unique_lock lock(m);
      empty.wait(lock, [&] { return buffer == 0; });
      buffer = i;
      full.notify_one();
    }
    consumer.join();
    EXPECT_EQ(sum, 1275);
  });
}

TEST(ConditionVariable, NotifyOneWakesTheLongestWaitingNotifyAllTheRest) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    std::vector<int> order;
    std::vector<weft::fiber<>> waiters;
    for (int i = 0; i < 5; ++i) {
      waiters.push_back(rt.spawn("waiter", [&, i] {
        std::unique_lock lock(m);
        c.wait(lock);
        EXPECT_TRUE(lock.owns_lock());
        order.push_back(i);
      }));
      rt.run_until_idle();
    }
    c.notify_one();
    rt.run_until_idle();
    c.notify_one();
    rt.run_until_idle();
    EXPECT_EQ(order, (std::vector{0, 1}));
    EXPECT_EQ(rt.parked_count(), 3U);
    c.notify_all();
    rt.run_until_idle();
    EXPECT_EQ(order.size(), 5U);
    for (auto& w : waiters) w.join();
  });
}

TEST(ConditionVariable, ATimedOutWaitLeavesNoTraceAndUsesUpNoNotification) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    bool condition = false;
    auto late = rt.spawn("late", [&] {
      std::unique_lock lock(m);
      return c.wait_for(lock, 5ms);
    });
    rt.run_until_idle();
    auto patient = rt.spawn("patient", [&] {
      std::unique_lock lock(m);
      return c.wait_for(lock, 1h, [&] { return condition; });
    });
    auto later = rt.spawn("later", [&] {
      std::unique_lock lock(m);
      return c.wait_until(lock, rt.now() + 6ms, [] { return false; });
    });
    rt.run_until_idle();
    rt.advance(4ms);
    EXPECT_EQ(rt.parked_count(), 3U);  // never early
    rt.advance(2ms);
    EXPECT_EQ(late.join(), weft::cv_status::timeout);
    EXPECT_FALSE(later.join());
    condition = true;
    c.notify_one();
    EXPECT_TRUE(patient.join());
  });
}

TEST(ConditionVariable, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    weft::mutex m;
    weft::condition_variable c;
    std::unique_lock lock(m);
    const auto until = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(c.wait_until(lock, until, [] { return false; }));
    EXPECT_GE(std::chrono::system_clock::now(), until);
    EXPECT_EQ(c.wait_until(lock, std::chrono::system_clock::now() - 1h), weft::cv_status::timeout);
  });
}

TEST(ConditionVariable, AStopIsThrownWithTheMutexLocked) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    bool locked_at_throw = false;
    auto stopped = rt.spawn("stopped", [&] {
      std::unique_lock lock(m);
      try {
        c.wait(lock);
      } catch (const weft::cancelled&) {
        locked_at_throw = lock.owns_lock() && !m.try_lock();
        throw;
      }
    });
    rt.run_until_idle();
    m.lock();  // by the test's own thread: locking again must wait for it, stop or not
    stopped.request_stop();
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    m.unlock();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_TRUE(locked_at_throw);
    ASSERT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST(ConditionVariable, AStopBeforeTheWaitIsThrownWithoutUnlocking) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    bool locked_at_throw = false;
    auto f = rt.spawn("stopped", [&] {
      std::unique_lock lock(m);
      try {
        c.wait(lock);
      } catch (const weft::cancelled&) {
        locked_at_throw = lock.owns_lock() && !m.try_lock();
        throw;
      }
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(locked_at_throw);
  });
}

TEST(ConditionVariable, AShieldKeepsTheWaitGoing) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable c;
    bool came_back = false;
    auto f = rt.spawn("shielded", [&] {
      const weft::cancel_shield shield;
      std::unique_lock lock(m);
      c.wait(lock);
      came_back = true;
    });
    rt.run_until_idle();
    f.request_stop();
    rt.run_until_idle();
    EXPECT_FALSE(came_back);
    c.notify_one();
    f.join();
    EXPECT_TRUE(came_back);
  });
}

// ---- no notification is lost

// Tokens with one notification each; takers that wait for ever, until a deadline, or until they are stopped. A
// notification that ended with a waiter that had timed out or was stopped would leave a patient taker asleep beside a
// token.
class token_box {
 public:
  void put() {
    const std::lock_guard lock(mutex_);
    ++tokens_;
    ++put_;
    changed_.notify_one();
  }
  void take() {
    std::unique_lock lock(mutex_);
    ++patient_;
    struct counted {
      int& n;
      ~counted() { --n; }
    } const leave{patient_};
    changed_.wait(lock, [&] { return tokens_ != 0; });
    --tokens_;
    ++taken_;
  }
  bool take_for(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [&] { return tokens_ != 0; })) return false;
    --tokens_;
    ++taken_;
    return true;
  }
  bool nobody_sleeps_beside_a_token() {
    const std::lock_guard lock(mutex_);
    return tokens_ == 0 || patient_ == 0;
  }
  bool balanced() {
    const std::lock_guard lock(mutex_);
    return put_ == taken_ + tokens_;
  }

 private:
  weft::mutex mutex_;
  weft::condition_variable changed_;
  int tokens_ = 0, put_ = 0, taken_ = 0, patient_ = 0;
};

// A stopped taker, too, has a patient one behind it: its notification must go there.
void swallow_cancelled(weft::fiber<>& f) {
  try {
    f.join();
  } catch (const weft::cancelled&) {
  }
}

TEST(ConditionVariable, NotificationsRacingDeadlinesAndStopsAreNeverLost) {
  under_seeds([](test_runtime& rt) {
    token_box box;
    std::vector<weft::fiber<>> patient, stopped, timed;
    for (int i = 0; i < 4; ++i) {
      stopped.push_back(rt.spawn("stopped", [&] { box.take(); }));
      timed.push_back(rt.spawn("timed", [&] { static_cast<void>(box.take_for(1ms)); }));
      patient.push_back(rt.spawn("patient", [&] { box.take(); }));
    }
    rt.run_until_idle();
    auto putter = rt.spawn("putter", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (int i = 0; i < 4; ++i) box.put();
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (auto& s : stopped) s.request_stop();
    });
    rt.advance(2ms);
    EXPECT_TRUE(box.nobody_sleeps_beside_a_token());
    EXPECT_TRUE(box.balanced());
    for (int i = 0; i < 8; ++i) box.put();
    putter.join();
    stopper.join();
    for (auto& f : patient) f.join();
    for (auto& f : timed) f.join();
    for (auto& f : stopped) swallow_cancelled(f);
    EXPECT_TRUE(box.balanced());
  });
}

// The same with real time, real stops and plain threads.
TEST(ConditionVariable, NotificationsRacingDeadlinesAndStopsAreNeverLostInRealTime) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(200);
    for (std::size_t round = 0; round < rounds; ++round) {
      token_box box;
      std::vector<weft::fiber<>> patient, stopped, timed;
      for (int i = 0; i < 3; ++i) {
        stopped.push_back(rt.spawn([&] { box.take(); }));
        timed.push_back(rt.spawn([&, i] { static_cast<void>(box.take_for(std::chrono::microseconds(20 * i))); }));
        patient.push_back(rt.spawn([&] { box.take(); }));
      }
      std::thread thread([&] { static_cast<void>(box.take_for(30us)); });
      for (std::size_t i = 0; i < 3; ++i) {
        box.put();
        stopped[i].request_stop();
      }
      for (auto& f : timed) f.join();
      for (auto& f : stopped) swallow_cancelled(f);
      thread.join();
      // Everybody who could have used up a notification wrongly has gone: the rest must come out even, or this hangs.
      for (int i = 0; i < 3; ++i) box.put();
      for (auto& f : patient) f.join();
      EXPECT_TRUE(box.balanced());
    }
  });
}

TEST(ConditionVariable, WorksBetweenTwoRuntimesAndPlainThreads) {
  with_real_workers([](weft::runtime& one) {
    weft::runtime two({.workers = 1});
    constexpr int players = 4;
    const int turns = static_cast<int>(stress_count(2000));
    weft::mutex m;
    weft::condition_variable c;
    int turn = 0;  // whose it is: turn % players
    const auto play = [&](int me) {
      for (int n = 0; n < turns; ++n) {
        std::unique_lock lock(m);
        c.wait(lock, [&] { return turn % players == me; });
        ++turn;
        c.notify_all();
      }
    };
    auto a = one.spawn([&] { play(0); });
    auto b = two.spawn([&] { play(1); });
    auto d = one.spawn([&] { play(2); });
    std::thread t([&] { play(3); });
    a.join();
    b.join();
    d.join();
    t.join();
    EXPECT_EQ(turn, players * turns);
  });
}

TEST(ConditionVariable, APollingLoopLetsTheNotifierRun) {
  weft::run({.workers = 1}, [] {
    weft::mutex m;
    weft::condition_variable c;
    bool condition = false;
    auto f = weft::spawn([&] {
      const std::lock_guard lock(m);
      condition = true;
    });
    std::unique_lock lock(m);
    while (!condition) c.wait_for(lock, 0s);
    lock.unlock();
    f.join();
  });
}

// ---- broken contracts

TEST(ConditionVariable, WaitingWithoutTheLockIsReported) {
  const child_result result = run_in_child([] {
    weft::mutex m;
    weft::condition_variable c;
    std::unique_lock lock(m, std::defer_lock);
    c.wait(lock);
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("wait with a lock that is not locked"), std::string::npos) << result.errors;
}

TEST(ConditionVariable, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    weft::mutex m;
    auto* c = new weft::condition_variable;
    auto f = rt.spawn("waiter", [&m, c] {
      std::unique_lock lock(m);
      c->wait(lock);
    });
    rt.run_until_idle();
    delete c;
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("condition variable is destroyed while somebody waits"), std::string::npos)
      << result.errors;
}

}  // namespace
