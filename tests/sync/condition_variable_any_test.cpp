// The condition variable with any lock, also one that waits when it unlocks: no notification is lost on the way.
#include <chrono>        // durations
#include <mutex>         // unique_lock
#include <shared_mutex>  // shared_lock
#include <thread>        // plain threads
#include <vector>        // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable_any.hpp>
#include <weft/sync/recursive_mutex.hpp>
#include <weft/sync/shared_mutex.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/stoppable.hpp"  // join_all
#include "support/waiting_lock.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::condition_variable_any) == 8);

template <class Mutex>
class AnyCondition : public ::testing::Test {};
using locks = ::testing::Types<weft::mutex, weft::recursive_mutex, weft::shared_mutex, waiting_lock>;
TYPED_TEST_SUITE(AnyCondition, locks);

// Tokens with one notification each; takers that wait for ever, until a deadline, or until they are stopped.
template <class Mutex>
class token_box {
 public:
  void put() {
    const weft::cancel_shield shield;
    const std::lock_guard lock(mutex_);
    ++tokens_;
    ++put_;
    changed_.notify_one();
  }
  void take() {
    struct counted {
      explicit counted(int& of) : n(of) { ++n; }
      ~counted() { --n; }
      int& n;
    };
    const std::lock_guard lock(mutex_);
    const counted patient(patient_);
    changed_.wait(mutex_, [&] { return tokens_ != 0; });  // a mutex is a lock, too
    --tokens_;
    ++taken_;
  }
  bool take_for(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [&] { return tokens_ != 0; })) return false;
    EXPECT_TRUE(lock.owns_lock());
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
  Mutex mutex_;
  weft::condition_variable_any changed_;
  int tokens_ = 0, put_ = 0, taken_ = 0, patient_ = 0;
};

TYPED_TEST(AnyCondition, NotificationsRacingDeadlinesAndStopsAreNeverLost) {
  under_seeds([](test_runtime& rt) {
    token_box<TypeParam> box;
    std::vector<weft::fiber<>> patient, stopped, timed;
    for (int i = 0; i < 4; ++i) {
      stopped.push_back(rt.spawn("stopped", [&] { box.take(); }));
      timed.push_back(rt.spawn("timed", [&] { (void)box.take_for(1ms); }));
      patient.push_back(rt.spawn("patient", [&] { box.take(); }));
    }
    auto putter = rt.spawn("putter", [&] {
      box.put();  // beside those who are still unlocking
      weft::this_fiber::sleep_for(1ms);
      for (int i = 0; i < 3; ++i) box.put();
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (auto& s : stopped) s.request_stop();
    });
    rt.advance(3ms);
    EXPECT_TRUE(box.nobody_sleeps_beside_a_token());
    EXPECT_TRUE(box.balanced());
    for (int i = 0; i < 8; ++i) box.put();
    putter.join();
    stopper.join();
    EXPECT_EQ(join_all(patient), 0);
    EXPECT_EQ(join_all(timed), 0);
    (void)join_all(stopped);
    EXPECT_TRUE(box.balanced());
  });
}

TYPED_TEST(AnyCondition, NotificationsRacingDeadlinesAndStopsAreNeverLostInRealTime) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(100);
    for (std::size_t round = 0; round < rounds; ++round) {
      token_box<TypeParam> box;
      std::vector<weft::fiber<>> patient, stopped, timed;
      for (int i = 0; i < 3; ++i) {
        stopped.push_back(rt.spawn([&] { box.take(); }));
        timed.push_back(rt.spawn([&, i] { (void)box.take_for(std::chrono::microseconds(20 * i)); }));
        patient.push_back(rt.spawn([&] { box.take(); }));
      }
      std::thread thread([&] { (void)box.take_for(30us); });
      for (std::size_t i = 0; i < 3; ++i) {
        box.put();
        stopped[i].request_stop();
      }
      (void)join_all(timed);
      (void)join_all(stopped);
      thread.join();
      // Everybody who could have used up a notification wrongly has gone: the rest must come out even, or this hangs.
      for (int i = 0; i < 3; ++i) box.put();
      EXPECT_EQ(join_all(patient), 0);
      EXPECT_TRUE(box.balanced());
    }
  });
}

TYPED_TEST(AnyCondition, NotifyAllWakesEverybody) {
  everywhere([] {
    TypeParam m;
    weft::condition_variable_any c;
    bool go = false;
    int through = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 8; ++i) {
      fibers.push_back(weft::spawn([&] {
        std::unique_lock lock(m);
        c.wait(lock, [&] { return go; });
        ++through;
      }));
    }
    yield();
    {
      const std::lock_guard lock(m);
      go = true;
    }
    c.notify_all();
    for (auto& f : fibers) f.join();
    EXPECT_EQ(through, 8);
  });
}

TYPED_TEST(AnyCondition, APollLeavesTheLockLocked) {
  everywhere([] {
    TypeParam m;
    weft::condition_variable_any c;
    c.notify_one();
    c.notify_all();
    std::unique_lock lock(m);
    EXPECT_EQ(c.wait_for(lock, 0s), weft::cv_status::timeout);
    EXPECT_EQ(c.wait_until(lock, std::chrono::system_clock::now() - 1h), weft::cv_status::timeout);
    EXPECT_FALSE(c.wait_until(lock, std::chrono::steady_clock::time_point::min(), [] { return false; }));
    EXPECT_TRUE(lock.owns_lock());
  });
}

TEST(AnyConditionVariable, ReadersWaitTogetherForAWriter) {
  everywhere([] {
    weft::shared_mutex m;
    weft::condition_variable_any c;
    int version = 0;
    std::vector<weft::fiber<>> readers;
    for (int i = 0; i < 4; ++i) {
      readers.push_back(weft::spawn([&] {
        std::shared_lock lock(m);
        for (int seen = 0; seen < 5; seen = version) c.wait(lock, [&] { return version != seen; });
      }));
    }
    for (int i = 0; i < 5; ++i) {
      {
        const std::unique_lock lock(m);
        ++version;
      }
      c.notify_all();
      yield();
    }
    for (auto& r : readers) r.join();
  });
}

TEST(AnyConditionVariable, TheLongestWaitingIsWokenFirst) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    weft::condition_variable_any c;
    std::vector<int> order;
    std::vector<weft::fiber<>> waiters;
    for (int i = 0; i < 5; ++i) {
      waiters.push_back(rt.spawn("waiter", [&, i] {
        std::unique_lock lock(m);
        c.wait(lock);
        order.push_back(i);
      }));
      rt.run_until_idle();
    }
    c.notify_one();
    rt.run_until_idle();
    c.notify_one();
    rt.run_until_idle();
    EXPECT_EQ(order, (std::vector{0, 1}));
    c.notify_all();
    for (auto& w : waiters) w.join();
  });
}

TEST(AnyConditionVariable, AStopIsThrownWithTheLockLocked) {
  for (const bool before : {false, true}) {
    under_seeds([&](test_runtime& rt) {
      waiting_lock m;
      weft::condition_variable_any c;
      bool locked_at_throw = false;
      auto f = rt.spawn("stopped", [&] {
        m.lock();
        try {
          c.wait(m);
        } catch (const weft::cancelled&) {
          locked_at_throw = m.locked();
          m.unlock();
          throw;
        }
      });
      if (!before) rt.run_until_idle();
      f.request_stop();
      EXPECT_THROW(f.join(), weft::cancelled);
      EXPECT_TRUE(locked_at_throw);
    });
  }
}

// A notification that comes while the waiter is still unlocking ends the wait, and a stop after it does not undo it.
TEST(AnyConditionVariable, ANotificationDuringUnlockIsNotLost) {
  under_seeds([](test_runtime& rt) {
    waiting_lock m;
    weft::condition_variable_any c;
    auto waiter = rt.spawn("waiter", [&] {
      std::unique_lock lock(m);
      c.wait(lock);
    });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);  // inside unlock(): time stands still
    auto notifier = rt.spawn("notifier", [&] {
      const std::lock_guard lock(m);
      c.notify_one();
      waiter.request_stop();  // too late
    });
    rt.advance(1ms);
    EXPECT_EQ(rt.live_count(), 0U) << rt.describe();
    waiter.join();
    notifier.join();
  });
}

TEST(AnyConditionVariable, APollingLoopLetsTheNotifierRun) {
  weft::run({.workers = 1}, [] {
    weft::mutex m;
    weft::condition_variable_any c;
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

TEST(AnyConditionVariable, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    weft::mutex m;
    auto* c = new weft::condition_variable_any;
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
