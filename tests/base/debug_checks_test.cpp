// Broken lock orders, and suspensions with a lock held, end the program with a report that names the culprit.
#include <mutex>   // std::mutex
#include <thread>  // plain threads
#include <vector>  // handles

#include <gtest/gtest.h>

#include <weft/base/spin_lock.hpp>
#include <weft/weft.hpp>

#include "support/child.hpp"

namespace {

using weft::detail::lock_rank;
using weft::detail::spin_lock;

template <class Body>
weft::testing::child_result run_with_checks(Body body) {
  return weft::testing::run_in_child([&] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    body();
  });
}

TEST(DebugChecks, LocksNestInward) {
  const auto child = run_with_checks([] {
    spin_lock runtime{lock_rank::runtime}, parent{lock_rank::stop_tree}, below{lock_rank::stop_tree}, leaf;
    const std::scoped_lock a(runtime);
    const std::scoped_lock b(parent);
    const std::scoped_lock c(below);
    const std::scoped_lock d(leaf);
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

TEST(DebugChecks, AnInvertedOrderAborts) {
  const auto child = run_with_checks([] {
    spin_lock pool{lock_rank::pool}, leaf;
    { const std::scoped_lock first(leaf); }
    const std::scoped_lock outer(leaf);
    const std::scoped_lock inner(pool);
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find("lock order: a lock of rank 3"), std::string::npos) << child.errors;
}

TEST(DebugChecks, LocksMayBeGivenBackInAnyOrder) {
  const auto child = run_with_checks([] {
    spin_lock a{lock_rank::stop_tree}, b{lock_rank::stop_tree}, leaf;
    a.lock();
    b.lock();
    a.unlock();
    leaf.lock();
    leaf.unlock();
    b.unlock();
    weft::run({.workers = 1}, [] { weft::this_fiber::yield(); });
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

TEST(DebugChecks, ASuspensionWithALockOfTheLibraryAborts) {
  const auto child = run_with_checks([] {
    weft::run({.workers = 1}, [] {
      weft::spawn({.name = "holder"}, [] {
        spin_lock mine;
        const std::scoped_lock held(mine);
        weft::event().wait();
      }).join();
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find("a fiber is suspended (event) while its thread holds a lock"), std::string::npos)
      << child.errors;
  EXPECT_NE(child.errors.find("holder"), std::string::npos) << child.errors;
}

TEST(DebugChecks, UnlockingWhatAnotherFiberHoldsAborts) {
  const auto child = run_with_checks([] {
    weft::run({.workers = 1}, [] {
      weft::mutex m;
      auto owner = weft::spawn({.name = "owner"}, [&] {
        const std::scoped_lock held(m);
        weft::this_fiber::sleep_for(std::chrono::hours(1));
      });
      weft::this_fiber::yield();
      weft::spawn({.name = "thief"}, [&] { m.unlock(); }).join();
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find("unlocked by a fiber or thread that does not hold it; fiber 'owner' does"),
            std::string::npos)
      << child.errors;
  EXPECT_NE(child.errors.find("in fiber 'thief'"), std::string::npos) << child.errors;
}

TEST(DebugChecks, LockingAMutexTwiceAborts) {
  const auto child = run_with_checks([] {
    weft::run({.workers = 1}, [] {
      weft::spawn({.name = "twice"}, [] {
        weft::mutex m;
        m.lock();
        m.lock();
      }).join();
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find("locked by the fiber or thread that holds it already"), std::string::npos)
      << child.errors;
  EXPECT_NE(child.errors.find("twice"), std::string::npos) << child.errors;
}

TEST(DebugChecks, ContendedMutexesAndConditionsPass) {
  const auto child = run_with_checks([] {
    weft::run({.workers = 2}, [] {
      weft::timed_mutex m;
      weft::mutex plain;
      weft::condition_variable changed;
      int n = 0;
      std::vector<weft::fiber<>> fibers;
      for (int i = 0; i < 8; ++i) {
        fibers.push_back(weft::spawn({.spread = true}, [&] {
          for (int k = 0; k < 200; ++k) {
            if (m.try_lock_for(std::chrono::milliseconds(100))) m.unlock();
            std::unique_lock lock(plain);
            if (k % 3 == 0) weft::this_fiber::yield();
            ++n;
            changed.notify_all();
          }
        }));
      }
      std::unique_lock lock(plain);
      changed.wait(lock, [&] { return n == 1600; });
      lock.unlock();
      for (auto& f : fibers) f.join();
    });
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

TEST(DebugChecks, PrimitivesThatAreDestroyedWithWaitersAbortInEveryBuild) {
  const auto destroy_with_waiter = [](auto&& make_wait) {
    return weft::testing::run_in_child(
        [&] { weft::run({.workers = 1}, [&] { weft::spawn({.name = "destroyer"}, [&] { make_wait(); }).join(); }); });
  };
  const auto event = destroy_with_waiter([] {
    auto* e = new weft::event;
    auto waiter = weft::spawn([e] { e->wait(); });
    weft::this_fiber::yield();
    delete e;
  });
  EXPECT_TRUE(event.killed_by(SIGABRT));
  EXPECT_NE(event.errors.find("an event is destroyed while somebody waits"), std::string::npos) << event.errors;
  EXPECT_NE(event.errors.find("destroyer"), std::string::npos) << event.errors;
  const auto semaphore = destroy_with_waiter([] {
    auto* s = new weft::binary_semaphore(0);
    auto waiter = weft::spawn([s] { s->acquire(); });
    weft::this_fiber::yield();
    delete s;
  });
  EXPECT_TRUE(semaphore.killed_by(SIGABRT)) << semaphore.errors;
  const auto channel = destroy_with_waiter([] {
    auto* c = new weft::channel<int>;
    auto waiter = weft::spawn([c] { c->receive(); });
    weft::this_fiber::yield();
    delete c;
  });
  EXPECT_TRUE(channel.killed_by(SIGABRT)) << channel.errors;
  const auto mutex = destroy_with_waiter([] {
    auto* m = new weft::mutex;
    m->lock();
    delete m;
  });
  EXPECT_TRUE(mutex.killed_by(SIGABRT)) << mutex.errors;
}

TEST(ThreadGuard, LocksAndUnlocks) {
  weft::run({.workers = 2}, [] {
    std::mutex m;
    int n = 0;
    auto other = weft::spawn([&] {
      for (int i = 0; i < 1000; ++i) {
        const weft::thread_guard guard(m);
        ++n;
      }
    });
    for (int i = 0; i < 1000; ++i) {
      const weft::thread_guard guard(m);
      ++n;
    }
    other.join();
    EXPECT_EQ(n, 2000);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST(ThreadGuard, ASuspensionInsideAbortsInEveryBuild) {
  for (const bool yields : {true, false}) {
    const auto child = weft::testing::run_in_child([&] {
      weft::run({.workers = 1}, [&] {
        weft::spawn({.name = "careless"}, [&] {
          std::mutex m;
          const weft::thread_guard guard(m);
          yields ? weft::this_fiber::yield() : weft::this_fiber::sleep_for(std::chrono::seconds(1));
        }).join();
      });
    });
    EXPECT_TRUE(child.killed_by(SIGABRT));
    EXPECT_NE(child.errors.find(yields ? "suspension holding a mutex of the OS thread: waiting for its next turn"
                                       : "suspension holding a mutex of the OS thread: waiting for sleep"),
              std::string::npos)
        << child.errors;
    EXPECT_NE(child.errors.find("careless"), std::string::npos) << child.errors;
  }
}

TEST(ThreadGuard, OnAPlainThreadIsALockGuard) {
  std::mutex m;
  const weft::thread_guard guard(m);
  std::thread([&] { EXPECT_FALSE(m.try_lock()); }).join();
}

}  // namespace
