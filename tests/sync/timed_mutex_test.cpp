// Timed locks of both kinds: each way a wait can end, and that one that ends without the lock leaves no trace and costs
// nobody a wake-up.
#include <atomic>       // progress of real threads
#include <chrono>       // durations
#include <mutex>        // unique_lock, scoped_lock
#include <thread>       // plain threads
#include <type_traits>  // is_standard_layout
#include <vector>       // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/recursive_timed_mutex.hpp>
#include <weft/sync/timed_mutex.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/seeded_random.hpp"
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::timed_mutex) == 8 && std::is_standard_layout_v<weft::timed_mutex>);

template <class Mutex>
class TimedLock : public ::testing::Test {};
using timed_mutexes = ::testing::Types<weft::timed_mutex, weft::recursive_timed_mutex>;
TYPED_TEST_SUITE(TimedLock, timed_mutexes);

TYPED_TEST(TimedLock, TakesAFreeOneAtOnceAlsoWhenTheTimeHasPassed) {
  everywhere([] {
    TypeParam m;
    std::unique_lock a(m, 1h);
    EXPECT_TRUE(a.owns_lock());
    a.unlock();
    EXPECT_TRUE(a.try_lock_for(-1h));
    a.unlock();
    EXPECT_TRUE(a.try_lock_until(std::chrono::steady_clock::time_point::min()));
    a.unlock();
    EXPECT_TRUE(a.try_lock_until(std::chrono::system_clock::now() - 1h));
    a.unlock();
    const std::scoped_lock both(m);
  });
}

TYPED_TEST(TimedLock, GivesUpAtItsTimeNotBeforeAndLeavesNoTrace) {
  under_seeds([](test_runtime& rt) {
    TypeParam m;
    m.lock();  // by the test's own thread
    auto late = rt.spawn("late", [&] { return m.try_lock_for(5ms); });
    auto later = rt.spawn("later", [&] { return m.try_lock_until(rt.now() + 6ms); });
    auto poll = rt.spawn("poll", [&] { return m.try_lock_for(0s); });
    auto patient = rt.spawn("patient", [&] {
      const bool mine = m.try_lock_for(1h);
      m.unlock();
      return mine;
    });
    rt.run_until_idle();
    EXPECT_FALSE(poll.join());
    rt.advance(5ms - 1ns);
    EXPECT_EQ(rt.parked_count(), 3U);
    rt.advance(1ns);
    EXPECT_FALSE(late.join());
    EXPECT_EQ(rt.parked_count(), 2U);
    rt.advance(1ms);
    EXPECT_FALSE(later.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    m.unlock();
    EXPECT_TRUE(patient.join());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TYPED_TEST(TimedLock, IsACancellationPointWhenItHasToWaitButLockIsNone) {
  under_seeds([](test_runtime& rt) {
    TypeParam m;
    m.lock();
    bool locked = false;
    auto timed = rt.spawn("timed", [&] { (void)m.try_lock_for(1h); });
    auto plain = rt.spawn("plain", [&] {
      m.lock();
      locked = true;
      m.unlock();
    });
    rt.run_until_idle();
    timed.request_stop();
    plain.request_stop();
    EXPECT_THROW(timed.join(), weft::cancelled);
    EXPECT_EQ(rt.parked_count(), 1U);
    EXPECT_FALSE(locked);
    m.unlock();
    (void)join_stopped(plain);
  });
}

TYPED_TEST(TimedLock, AStopDoesNotKeepItFromTakingAFreeOne) {
  under_seeds([](test_runtime& rt) {
    TypeParam m;
    auto f = rt.spawn("stopped", [&] {
      yield();
      const bool mine = m.try_lock_for(1h);
      m.unlock();
      EXPECT_TRUE(mine);
      const weft::cancel_shield shield;
      m.lock();
      auto other = weft::spawn([&] { return m.try_lock_for(1ms); });
      EXPECT_FALSE(other.join());
      m.unlock();
    });
    f.request_stop();
    f.join();
  });
}

// The deadline of the first waiters, a stop of the second ones and the unlock come at the same instant. Whoever has not
// given up gets the mutex: no wake-up ends with a waiter that does not want it any more.
TYPED_TEST(TimedLock, AWakeUpThatLosesToADeadlineOrAStopGoesToTheNext) {
  under_seeds([](test_runtime& rt) {
    TypeParam m;
    int mine = 0, late = 0;
    auto holder = rt.spawn("holder", [&] {
      m.lock();
      weft::this_fiber::sleep_for(1ms);
      m.unlock();
    });
    rt.run_until_idle();
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 9; ++i) {
      fibers.push_back(rt.spawn("waiter", [&, i] {
        if (m.try_lock_for(i % 3 == 0 ? 1ms : 1h)) {
          ++mine;
          if (i % 2 == 0) yield();
          m.unlock();
        } else {
          ++late;
        }
      }));
    }
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (std::size_t i = 1; i < 9; i += 3) fibers[i].request_stop();
    });
    rt.advance(2ms);
    EXPECT_EQ(rt.live_count(), 0U) << rt.describe();
    holder.join();
    stopper.join();
    const int stopped = join_all(fibers);
    EXPECT_EQ(mine + late + stopped, 9);
    EXPECT_GE(mine, 3);  // three waited for an hour, unstopped
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

// Two copies of a count, one inverted, changed under the mutex by fibers that lock in all ways.
template <class Mutex>
struct guarded {
  Mutex m;
  std::uint64_t count = 0, inverted = ~std::uint64_t{0};
  std::atomic<std::uint64_t> changes{0};

  template <class Inside>
  void change(Inside inside) {
    EXPECT_EQ(count, ~inverted);
    ++count;
    inside();
    inverted = ~count;
    ++changes;
    m.unlock();
  }
  void any_way(seeded_random& random) {
    switch (random.below(4)) {
      case 0:
        m.lock();
        break;
      case 1:
        if (!m.try_lock()) return;
        break;
      case 2:
        if (!m.try_lock_for(std::chrono::microseconds(random.below(300)))) return;
        break;
      default:
        if (!m.try_lock_until(std::chrono::system_clock::now() + std::chrono::hours(1))) return;
    }
    change([&] {
      if (random.below(3) == 0) yield();
    });
  }
};

TYPED_TEST(TimedLock, ExcludesUnderDeadlinesAndStops) {
  everywhere([] {
    guarded<TypeParam> data;
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 12; ++i) {
      fibers.push_back(weft::spawn([&, i] {
        seeded_random random(i);
        for (int n = 0; n < 20; ++n) {
          data.any_way(random);
          if (random.below(4) == 0) weft::this_fiber::sleep_for(std::chrono::microseconds(random.below(200)));
        }
      }));
    }
    for (std::size_t i = 0; i < 4; ++i) {
      yield();
      fibers[i].request_stop();
    }
    join_all(fibers);
    ASSERT_TRUE(data.m.try_lock());
    EXPECT_EQ(data.count, data.changes.load());
    data.m.unlock();
  });
}

TYPED_TEST(TimedLock, ExcludesFibersOfTwoRuntimesAndPlainThreads) {
  const std::size_t rounds = stress_count(2000);
  for (const unsigned workers : worker_counts) {
    guarded<TypeParam> data;
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    const auto work = [&](unsigned seed) {
      seeded_random random(seed);
      for (std::size_t n = 0; n < rounds; ++n) data.any_way(random);
    };
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 6; ++i) fibers.push_back((i % 3 == 0 ? two : one).spawn(work, i));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, 100 + i);
    for (auto& t : threads) t.join();
    for (auto& f : fibers) f.join();
    EXPECT_EQ(data.count, data.changes.load());
    EXPECT_EQ(data.count, ~data.inverted);
  }
}

TYPED_TEST(TimedLock, APlainThreadGivesUpToo) {
  TypeParam m;
  m.lock();
  std::thread t([&] {
    const auto until = std::chrono::steady_clock::now() + 2ms;
    EXPECT_FALSE(m.try_lock_until(until));
    EXPECT_GE(std::chrono::steady_clock::now(), until);
    EXPECT_FALSE(m.try_lock_for(0s));
  });
  t.join();
  m.unlock();
}

TYPED_TEST(TimedLock, APollingLoopLetsTheHolderRun) {
  weft::run({.workers = 1}, [] {
    TypeParam m;
    weft::event held;
    auto holder = weft::spawn([&] {
      m.lock();
      held.set();
      for (int i = 0; i < 10; ++i) yield();
      m.unlock();
    });
    held.wait();
    while (!m.try_lock_for(0s)) {
    }
    m.unlock();
    holder.join();
  });
}

}  // namespace
