// What is done to a lock by somebody who does not hold it, and what is destroyed while somebody waits, ends the program with
// a report that names the culprit: the first with debug checks, the second in every build.
#include <chrono>        // durations
#include <functional>    // function
#include <memory>        // make_shared, destroy_at
#include <mutex>         // unique_lock
#include <shared_mutex>  // shared_lock
#include <string>        // reports
#include <vector>        // tables

#include <gtest/gtest.h>

#include <weft/base/debug_checks.hpp>
#include <weft/weft.hpp>

#include "support/child.hpp"
#include "support/test_runtime.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// In a child with debug checks on: the fiber "owner" takes something and keeps it, then "culprit" runs.
template <class Owner, class Culprit>
child_result misuse(Owner owner, Culprit culprit) {
  return run_in_child([&] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    test_runtime rt(1);
    auto first = rt.spawn("owner", [&] {
      owner();
      weft::event().wait();
    });
    rt.run_until_idle();
    rt.spawn("culprit", [&] { culprit(); }).join();
  });
}

void expect_abort(const child_result& child, const std::string& text) {
  EXPECT_TRUE(child.killed_by(SIGABRT)) << text;
  EXPECT_NE(child.errors.find(text), std::string::npos) << child.errors;
  EXPECT_NE(child.errors.find("in fiber 'culprit'"), std::string::npos) << child.errors;
}

template <class Mutex>
class UnlockByAnother : public ::testing::Test {};
using plain_locks = ::testing::Types<weft::mutex, weft::timed_mutex>;
TYPED_TEST_SUITE(UnlockByAnother, plain_locks);

TYPED_TEST(UnlockByAnother, NamesBoth) {
  TypeParam m;
  expect_abort(misuse([&] { m.lock(); }, [&] { m.unlock(); }),
               "a mutex is unlocked by a fiber or thread that does not hold it; fiber 'owner' does");
}

TYPED_TEST(UnlockByAnother, AfterATryNamesBoth) {
  TypeParam m;
  expect_abort(misuse([&] { EXPECT_TRUE(m.try_lock()); }, [&] { m.unlock(); }), "fiber 'owner' does");
}

template <class Mutex>
class RecursiveUnlockByAnother : public ::testing::Test {};
using recursive_locks = ::testing::Types<weft::recursive_mutex, weft::recursive_timed_mutex>;
TYPED_TEST_SUITE(RecursiveUnlockByAnother, recursive_locks);

TYPED_TEST(RecursiveUnlockByAnother, NamesTheCulprit) {
  TypeParam m;
  expect_abort(misuse([&] { m.lock(); }, [&] { m.unlock(); }),
               "unlock of a recursive mutex that the caller does not hold");
}

template <class Mutex>
class SharedUnlockByAnother : public ::testing::Test {};
using shared_locks = ::testing::Types<weft::shared_mutex, weft::shared_timed_mutex>;
TYPED_TEST_SUITE(SharedUnlockByAnother, shared_locks);

TYPED_TEST(SharedUnlockByAnother, OfAWriterNamesBoth) {
  TypeParam m;
  expect_abort(misuse([&] { m.lock(); }, [&] { m.unlock(); }),
               "a shared mutex is unlocked by a fiber or thread that does not hold it; fiber 'owner' does");
}

TYPED_TEST(SharedUnlockByAnother, OfAReaderNamesBoth) {
  TypeParam m;
  expect_abort(misuse([&] { m.lock_shared(); }, [&] { m.unlock_shared(); }),
               "a shared mutex is unlocked by a fiber or thread that does not hold it; fiber 'owner' does");
}

TYPED_TEST(SharedUnlockByAnother, OfAReaderMoreThanItHoldsNamesBoth) {
  TypeParam m;
  const auto child = misuse([&] { m.lock_shared(); },
                            [&] {
                              m.lock_shared();
                              m.unlock_shared();
                              m.unlock_shared();
                            });
  expect_abort(child, "a shared mutex is unlocked by a fiber or thread that does not hold it; fiber 'owner' does");
}

TYPED_TEST(SharedUnlockByAnother, OfOneWhoWaitedForItNamesBoth) {
  TypeParam m;
  const auto child = run_in_child([&] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    test_runtime rt(1);
    m.lock();
    auto reader = rt.spawn("reader", [&] {
      m.lock_shared();  // is handed to it
      weft::event().wait();
    });
    rt.run_until_idle();
    m.unlock();
    rt.run_until_idle();
    rt.spawn("culprit", [&] { m.unlock_shared(); }).join();
  });
  expect_abort(child, "fiber 'reader' does");
}

TYPED_TEST(SharedUnlockByAnother, WaitingForOneselfIsReported) {
  const char* const text = "a shared mutex is locked by the fiber or thread that holds it already";
  TypeParam m;
  const auto nothing = [] {};
  expect_abort(misuse(nothing,
                      [&] {
                        m.lock();
                        m.lock();
                      }),
               text);
  expect_abort(misuse(nothing,
                      [&] {
                        m.lock();
                        m.lock_shared();
                      }),
               text);
  expect_abort(misuse(nothing,
                      [&] {
                        m.lock_shared();
                        m.lock();
                      }),
               text);
}

// Readers that lock twice, tries, deadlines that pass, stops: holders are known all the way, and nobody is blamed.
TYPED_TEST(SharedUnlockByAnother, WhatIsRightPasses) {
  const auto child = run_in_child([] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      test_runtime rt({.seed = seed, .workers = 2});
      TypeParam m;
      std::vector<weft::fiber<>> fibers;
      for (int i = 0; i < 6; ++i) {
        fibers.push_back(rt.spawn("user", [&, i] {
          for (int k = 0; k < 5; ++k) {
            if (i % 2 == 0) {
              const std::unique_lock lock(m);
              this_fiber::yield();
            } else {
              const std::shared_lock lock(m);
              if (m.try_lock_shared()) m.unlock_shared();
              this_fiber::yield();
            }
            if (m.try_lock()) m.unlock();
            if constexpr (std::is_same_v<TypeParam, weft::shared_timed_mutex>) {
              if (m.try_lock_for(1us)) m.unlock();
              if (m.try_lock_shared_for(1us)) m.unlock_shared();
            }
          }
        }));
      }
      fibers[0].request_stop();
      fibers[3].request_stop();
      for (auto& f : fibers) {
        try {
          f.join();
        } catch (const weft::cancelled&) {
        }
      }
    }
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

// ---- destroyed while somebody waits

struct destroyed_case {
  const char* report;
  std::function<void()> wait;     // in a fiber; never returns
  std::function<void()> destroy;  // while that one waits
};

template <class T, class Wait, class... Args>
destroyed_case of(const char* report, Wait wait, Args&&... args) {
  const auto object = std::make_shared<T>(std::forward<Args>(args)...);
  return {report, [object, wait] { wait(*object); }, [object] { std::destroy_at(object.get()); }};
}

std::vector<destroyed_case> locks_destroyed() {
  const char* const mutex_report = "a mutex is destroyed while it is locked or waited for";
  const char* const shared_report = "a shared mutex is destroyed while it is locked or waited for";
  const auto keep = [](auto& m) {
    m.lock();
    weft::event().wait();
  };
  const auto wait_behind = [](auto& m) {
    weft::spawn([&m] { m.lock(); }).join();
    m.lock();
  };
  const auto read_behind = [](auto& m) {
    weft::spawn([&m] { m.lock(); }).join();
    m.lock_shared();
  };
  const auto read = [](auto& m) {
    m.lock_shared();
    weft::event().wait();
  };
  return {
      of<weft::mutex>(mutex_report, keep),
      of<weft::mutex>(mutex_report, wait_behind),
      of<weft::timed_mutex>(mutex_report, keep),
      of<weft::timed_mutex>(mutex_report,
                            [](auto& m) {
                              weft::spawn([&m] { m.lock(); }).join();
                              static_cast<void>(m.try_lock_for(24h));
                            }),
      of<weft::recursive_mutex>(mutex_report, keep),
      of<weft::recursive_timed_mutex>(mutex_report, wait_behind),
      of<weft::shared_mutex>(shared_report, keep),
      of<weft::shared_mutex>(shared_report, read),
      of<weft::shared_mutex>(shared_report, wait_behind),
      of<weft::shared_mutex>(shared_report, read_behind),
      of<weft::shared_timed_mutex>(shared_report, wait_behind),
  };
}

std::vector<destroyed_case> others_destroyed() {
  const char* const count_report = "a wait_group or latch is destroyed while somebody waits for it";
  const char* const once_report = "a once_flag is destroyed while somebody runs its initializer or waits for it";
  const auto wait = [](auto& w) { w.wait(); };
  const auto wait_with_lock = [](auto& c) {
    weft::mutex m;
    std::unique_lock lock(m);
    c.wait(lock);
  };
  return {
      of<weft::event>("an event is destroyed while somebody waits for it", wait),
      of<weft::event>("an event is destroyed while somebody waits for it",
                      [](auto& e) { static_cast<void>(e.wait_for(24h)); }),
      of<weft::condition_variable>("a condition variable is destroyed while somebody waits for it", wait_with_lock),
      of<weft::condition_variable_any>("a condition variable is destroyed while somebody waits for it", wait_with_lock),
      of<weft::counting_semaphore<>>(
          "a semaphore is destroyed while somebody waits for it", [](auto& s) { s.acquire(); }, 0),
      of<weft::latch>(count_report, wait, 1),
      of<weft::latch>(
          count_report, [](auto& l) { l.arrive_and_wait(); }, 2),
      of<weft::wait_group>(count_report,
                           [](auto& group) {
                             group.add(1);
                             group.wait();
                           }),
      of<weft::barrier<>>(
          "a barrier is destroyed while somebody waits for it", [](auto& b) { b.arrive_and_wait(); }, 2),
      of<weft::barrier<>>(
          "a barrier is destroyed while somebody waits for it", [](auto& b) { b.wait(b.arrive()); }, 2),
      of<weft::once_flag>(once_report, [](auto& flag) { weft::call_once(flag, [] { weft::event().wait(); }); }),
      of<weft::once_flag>(once_report,
                          [](auto& flag) {
                            auto runs = weft::spawn([&] { weft::call_once(flag, [] { weft::event().wait(); }); });
                            this_fiber::yield();
                            weft::call_once(flag, [] {});
                          }),
      of<weft::channel<int>>("a channel is destroyed while somebody waits for it", [](auto& c) { c.receive(); }),
      of<weft::channel<int>>("a channel is destroyed while somebody waits for it", [](auto& c) { c.send(1); }),
      of<weft::channel<int>>("a channel is destroyed while somebody waits for it",
                             [](auto& c) { weft::select(weft::on_receive(c, [](std::optional<int>) {})); }),
  };
}

void expect_all_reported(const std::vector<destroyed_case>& cases) {
  for (const destroyed_case& c : cases) {
    const auto child = run_in_child([&] {
      test_runtime rt(1);
      auto waiter = rt.spawn("waiter", c.wait);
      rt.run_until_idle();
      rt.spawn("culprit", c.destroy).join();
    });
    expect_abort(child, c.report);
  }
}

TEST(DestroyedInUse, LocksAreReportedWithTheFibersName) { expect_all_reported(locks_destroyed()); }
TEST(DestroyedInUse, OthersAreReportedWithTheFibersName) { expect_all_reported(others_destroyed()); }

TEST(DestroyedInUse, AOnceFlagThatNobodyUsesAnyMoreIsFine) {
  weft::run({.workers = 1}, [] {
    { const weft::once_flag unused; }
    {
      weft::once_flag done;
      weft::call_once(done, [] {});
    }
    weft::once_flag failed;
    EXPECT_THROW(weft::call_once(failed, [] { throw 1; }), int);
  });
}

}  // namespace
