// The mutex: exclusion, fairness, and what lock() must not do.
#include <algorithm>  // max
#include <atomic>     // progress of real threads
#include <chrono>     // durations
#include <cstdint>    // uint64_t
#include <mutex>      // lock_guard, unique_lock, scoped_lock
#include <thread>     // plain threads
#include <vector>     // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/mutex.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

TEST(Mutex, IsEightBytes) { EXPECT_EQ(sizeof(weft::mutex), 8U); }

// Data that can prove itself: two copies of a count, one of them inverted, and who is inside.
class guarded_data {
 public:
  template <class Inside>
  void change(Inside inside) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(occupied_);
    occupied_ = true;
    EXPECT_EQ(count_, ~inverted_);
    ++count_;
    inside();
    inverted_ = ~count_;
    occupied_ = false;
  }
  std::uint64_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  weft::mutex mutex_;
  std::uint64_t count_ = 0, inverted_ = ~std::uint64_t{0};
  bool occupied_ = false;
};

TEST(Mutex, ExcludesFibersThatSuspendInside) {
  everywhere([] {
    guarded_data data;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 16; ++i) {
      fibers.push_back(weft::spawn([&, i] {
        for (int n = 0; n < 20; ++n) {
          data.change([&] {
            if ((n + i) % 3 == 0) yield();
          });
          if (n % 4 == 0) yield();
        }
      }));
    }
    for (auto& f : fibers) f.join();
    EXPECT_EQ(data.count(), 320U);
  });
}

TEST(Mutex, ExcludesFibersOfTwoRuntimesAndPlainThreads) {
  const std::size_t rounds = stress_count(5000);
  for (const unsigned workers : worker_counts) {
    SCOPED_TRACE(workers);
    guarded_data data;
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    const auto work = [&] {
      for (std::size_t n = 0; n < rounds; ++n) {
        data.change([&] {
          if (n % 64 == 0) yield();
        });
      }
    };
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 6; ++i) fibers.push_back((i % 3 == 0 ? two : one).spawn(work));
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back(work);
    for (auto& t : threads) t.join();
    for (auto& f : fibers) f.join();
    EXPECT_EQ(data.count(), rounds * 8);
  }
}

TEST(Mutex, TryLockTakesAFreeOneOnly) {
  everywhere([] {
    weft::mutex m;
    ASSERT_TRUE(m.try_lock());
    auto f = weft::spawn([&] { return m.try_lock(); });
    EXPECT_FALSE(f.join());
    m.unlock();
    const std::unique_lock lock(m, std::try_to_lock);
    EXPECT_TRUE(lock.owns_lock());
  });
}

TEST(Mutex, WorksInScopedLockInAnyOrder) {
  everywhere([] {
    weft::mutex a, b;
    int inside = 0;
    const auto work = [&](weft::mutex& first, weft::mutex& second) {
      for (int n = 0; n < 10; ++n) {
        const std::scoped_lock lock(first, second);
        ++inside;
        yield();
        EXPECT_EQ(inside, 1);
        --inside;
      }
    };
    auto f = weft::spawn([&] { work(a, b); });
    auto g = weft::spawn([&] { work(b, a); });
    f.join();
    g.join();
  });
}

TEST(Mutex, AnExceptionInsideLetsTheNextOneIn) {
  everywhere([] {
    weft::mutex m;
    auto thrower = weft::spawn([&] {
      const std::lock_guard lock(m);
      yield();
      throw 7;
    });
    auto next = weft::spawn([&] {
      const std::lock_guard lock(m);
      return true;
    });
    EXPECT_THROW(thrower.join(), int);
    EXPECT_TRUE(next.join());
  });
}

TEST(Mutex, LockIsNotACancellationPoint) {
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    bool inside = false;
    m.lock();  // by the test's own thread
    auto f = rt.spawn("waiter", [&] {
      m.lock();
      inside = true;
      m.unlock();
      weft::this_fiber::check_stop();
    });
    rt.run_until_idle();
    f.request_stop();
    rt.run_until_idle();
    EXPECT_FALSE(inside);
    EXPECT_EQ(rt.parked_count(), 1U);
    m.unlock();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(inside);
  });
}

TEST(Mutex, AWaitingThreadSleepsUntilAFiberUnlocks) {
  with_real_workers([](weft::runtime& rt) {
    weft::mutex m;
    weft::event held;
    int written = 0;
    auto holder = rt.spawn([&] {
      const std::lock_guard lock(m);
      held.set();
      for (int i = 0; i < 100; ++i) yield();
      written = 1;
    });
    held.wait();
    const std::lock_guard lock(m);
    EXPECT_EQ(written, 1);
    holder.join();
  });
}

// ---- fairness

// A fiber that takes the mutex again at once overtakes those who wait, but only a few times each. Time stands still:
// the bound by wake-ups in vain is enough.
TEST(Mutex, AGreedyHolderOvertakesEachWaiterAFewTimesAtMost) {
  constexpr int waiters = 64;
  under_seeds([](test_runtime& rt) {
    weft::mutex m;
    bool all_done = false;
    std::uint64_t greedy_turns = 0;
    std::uint64_t worst = 0;
    auto greedy = rt.spawn("greedy", [&] {
      while (!all_done) {
        const std::lock_guard lock(m);
        ++greedy_turns;
        yield();
      }
    });
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < waiters; ++i) {
      fibers.push_back(rt.spawn("modest", [&] {
        for (int n = 0; n < 5; ++n) {
          const std::uint64_t arrival = greedy_turns;
          const std::lock_guard lock(m);
          worst = std::max(worst, greedy_turns - arrival);
        }
      }));
    }
    for (auto& f : fibers) f.join();
    all_done = true;
    greedy.join();
    EXPECT_LE(worst, 20U * (waiters + 1));  // sixteen wake-ups in vain, and some, for each one before it in the queue
  });
}

// A greedy one that never suspends: the waiter is ready, but would not run before the mutex is handed over to it.
std::uint64_t turns_until_a_waiter_had_its_own(std::uint64_t plenty) {
  weft::mutex m;
  std::atomic<bool> arrived{false};
  bool got_it = false;
  m.lock();
  auto waiter = weft::spawn([&] {
    arrived = true;
    const std::lock_guard lock(m);
    got_it = true;
  });
  while (!arrived) yield();
  std::uint64_t turns = 0;
  for (bool done = false; !done && turns < plenty; ++turns) {
    m.unlock();
    m.lock();
    done = got_it;
  }
  m.unlock();
  waiter.join();
  return turns;
}

TEST(Mutex, AGreedyHolderThatNeverSuspendsIsMadeToWait) {
  static constexpr std::uint64_t plenty = 500'000'000;
  with_real_workers(
      [](weft::runtime& rt) { EXPECT_LT(rt.run([] { return turns_until_a_waiter_had_its_own(plenty); }), plenty); });
  // Time stands still, and the other is of the same worker: counting is enough.
  for (std::uint64_t seed = 0; seed < seed_count(usual_seeds); ++seed) {
    test_runtime rt(seed);
    EXPECT_LT(rt.run([] { return turns_until_a_waiter_had_its_own(10'000); }), 10'000U);
  }
}

// The same in real time, where greedy ones on several CPUs never suspend inside.
TEST(Mutex, AWaiterGetsItsTurnBesideGreedyOnesThatNeverWait) {
  with_real_workers([](weft::runtime& rt) {
    weft::mutex m;
    std::atomic<bool> all_done{false};
    std::atomic<std::uint64_t> greedy_turns{0};
    std::vector<weft::fiber<>> greedy;
    for (int i = 0; i < 3; ++i) {
      greedy.push_back(rt.spawn([&] {
        while (!all_done) {
          {
            const std::lock_guard lock(m);
            ++greedy_turns;
          }
          if (greedy_turns % 64 == 0) yield();
        }
      }));
    }
    std::vector<weft::fiber<>> modest;
    for (int i = 0; i < 64; ++i) {
      modest.push_back(rt.spawn([&] {
        for (int n = 0; n < 20; ++n) {
          const std::lock_guard lock(m);
          yield();
        }
      }));
    }
    for (auto& f : modest) f.join();
    all_done = true;
    for (auto& f : greedy) f.join();
    EXPECT_GT(greedy_turns.load(), 0U);
  });
}

TEST(Mutex, ALoopAroundTryLockLetsTheHolderRun) {
  weft::run({.workers = 1}, [] {
    weft::mutex m;
    weft::event held;
    auto holder = weft::spawn([&] {
      const std::lock_guard lock(m);
      held.set();
      for (int i = 0; i < 10; ++i) yield();
    });
    held.wait();
    while (!m.try_lock()) {
    }
    m.unlock();
    holder.join();
  });
}

// ---- broken contracts

TEST(Mutex, UnlockingAFreeOneIsReported) {
  const child_result result = run_in_child([] {
    weft::mutex m;
    m.unlock();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("unlock of a mutex that is not locked"), std::string::npos) << result.errors;
}

TEST(Mutex, DestroyingALockedOneIsReported) {
  const child_result result = run_in_child([] {
    weft::mutex m;
    m.lock();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("mutex is destroyed while it is locked"), std::string::npos) << result.errors;
}

}  // namespace
