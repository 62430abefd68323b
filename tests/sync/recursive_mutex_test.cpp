// Recursive mutexes: who the owner is, how deep it may go, and that others are kept out until the last level.
#include <mutex>         // unique_lock, scoped_lock
#include <system_error>  // system_error
#include <thread>        // plain threads
#include <type_traits>   // is_standard_layout
#include <vector>        // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/recursive_mutex.hpp>
#include <weft/sync/recursive_timed_mutex.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::recursive_mutex) == 24);
static_assert(std::is_standard_layout_v<weft::recursive_mutex> &&
              std::is_standard_layout_v<weft::recursive_timed_mutex>);

template <class Mutex>
class Recursive : public ::testing::Test {};
using recursive_mutexes = ::testing::Types<weft::recursive_mutex, weft::recursive_timed_mutex>;
TYPED_TEST_SUITE(Recursive, recursive_mutexes);

template <class Mutex>
int depth_of(Mutex& m, int depth) {
  const std::unique_lock lock(m);
  yield();
  return depth == 0 ? 0 : 1 + depth_of(m, depth - 1);
}

TYPED_TEST(Recursive, ItsHolderMayLockItAgainOthersMayNot) {
  everywhere([] {
    TypeParam m;
    int inside = 0;
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 8; ++i) {
      fibers.push_back(weft::spawn([&] {
        for (int n = 0; n < 5; ++n) {
          const std::unique_lock outer(m);
          EXPECT_EQ(++inside, 1);  // fibers of one worker are different owners
          EXPECT_EQ(depth_of(m, 3), 3);
          EXPECT_TRUE(m.try_lock());
          yield();
          m.unlock();
          --inside;
        }
      }));
    }
    for (auto& f : fibers) f.join();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TYPED_TEST(Recursive, IsFreeAfterAsManyUnlocksAsLocksOnly) {
  everywhere([] {
    TypeParam m;
    const auto others_get_it = [&] {
      return weft::spawn([&] {
               const bool got = m.try_lock();
               if (got) m.unlock();
               return got;
             })
          .join();
    };
    m.lock();
    EXPECT_TRUE(m.try_lock());
    EXPECT_FALSE(others_get_it());
    m.unlock();
    EXPECT_FALSE(others_get_it());
    m.unlock();
    EXPECT_TRUE(others_get_it());
  });
}

TYPED_TEST(Recursive, PlainThreadsAndFibersExcludeEachOther) {
  with_real_workers([](weft::runtime& rt) {
    TypeParam m;
    std::uint64_t count = 0;
    const std::size_t rounds = stress_count(3000);
    const auto work = [&] {
      for (std::size_t i = 0; i < rounds; ++i) {
        const std::scoped_lock outer(m);
        const std::uint64_t before = count;
        const std::scoped_lock inner(m);
        if (i % 32 == 0) yield();
        count = before + 1;
      }
    };
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < 4; ++i) fibers.push_back(rt.spawn(work));
    std::thread a(work), b(work);
    a.join();
    b.join();
    for (auto& f : fibers) f.join();
    EXPECT_EQ(count, rounds * 6);
  });
}

TYPED_TEST(Recursive, TooManyLevelsAreAnErrorAndChangeNothing) {
  TypeParam m;
  std::uint32_t levels = 0;
  try {
    for (;; ++levels) m.lock();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
  }
  EXPECT_EQ(levels, (1U << 24) - 1);
  EXPECT_FALSE(m.try_lock());
  for (; levels != 0; --levels) m.unlock();
  std::thread other([&] {
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
  other.join();
}

TEST(RecursiveTimed, ItsHolderNeverWaits) {
  under_seeds([](test_runtime& rt) {
    weft::recursive_timed_mutex m;
    auto holder = rt.spawn("holder", [&] {
      m.lock();
      yield();
      EXPECT_TRUE(m.try_lock_for(0s));  // a stop is pending: no point, as there is no wait
      EXPECT_TRUE(m.try_lock_until(rt.now() - 1s));
      for (int i = 0; i < 3; ++i) m.unlock();
    });
    holder.request_stop();
    holder.join();
  });
}

TYPED_TEST(Recursive, UnlockingItForSomebodyElseIsReported) {
  const child_result result = run_in_child([] {
    TypeParam m;
    m.lock();
    test_runtime rt(1);
    rt.run([&] { m.unlock(); });
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("recursive mutex that the caller does not hold"), std::string::npos) << result.errors;
}

}  // namespace
