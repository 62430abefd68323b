// What the C and C++ libraries keep for a thread, a fiber shares with the others of its worker. Each row of the guide's
// table of what belongs to the thread, shown: what goes well and what does not.
#include <clocale>       // newlocale, uselocale
#include <csetjmp>       // setjmp, longjmp
#include <cstring>       // strtok, strtok_r
#include <mutex>         // call_once, recursive_mutex
#include <shared_mutex>  // shared_mutex
#include <stdexcept>     // runtime_error
#include <string>        // text
#include <system_error>  // errc
#include <thread>        // plain threads

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/recursive_mutex.hpp>

#include "support/death_style.hpp"
#include "support/instrumented.hpp"

namespace {

namespace this_fiber = weft::this_fiber;

// `first` runs until it waits, then `second` to its end, then the rest of `first`: both on one worker.
template <class First, class Second>
void interleave(First first, Second second) {
  weft::run({.workers = 1}, [&] {
    weft::event turn;
    auto other = weft::spawn([&] {
      second();
      turn.set();
    });
    first([&] { turn.wait(); });
    other.join();
  });
}

int slow_value(weft::event& begun, weft::event& go) {
  begun.set();
  go.wait();
  return 7;
}

// The compiler's guard belongs to the thread that initializes. A fiber of another worker blocks its worker until it is
// done, and finds the value. (One of the same worker would wait for itself, for ever: the initializer must not wait there.)
TEST(ThreadState, AFunctionLocalStaticIsInitializedOnceAmongWorkers) {
  weft::event begun, go;
  weft::runtime one({.workers = 1}), other({.workers = 1});
  std::atomic<int> made{0};
  const auto value = [&]() -> int {
    static const int v = [&] {
      ++made;
      return slow_value(begun, go);
    }();
    return v;
  };
  auto initializer = one.spawn([&] { return value(); });
  begun.wait();
  std::atomic<bool> arrived{false};
  auto late = other.spawn([&] {
    arrived = true;
    return value();
  });
  while (!arrived) std::this_thread::yield();
  go.set();
  EXPECT_EQ(initializer.join(), 7);
  EXPECT_EQ(late.join(), 7);
  EXPECT_EQ(made, 1);
}

TEST(ThreadState, AStaticThatWaitsUnderNoSuspendIsReported) {
  if (weft::testing::instrumented) GTEST_SKIP() << "a child of a child under sanitizers";
  weft::testing::use_safest_death_style();
  EXPECT_DEATH(weft::run({.workers = 1},
                         [] {
                           static const int v = [] {
                             const weft::no_suspend section("in the initializer of a static");
                             this_fiber::yield();
                             return 1;
                           }();
                           return v;
                         }),
               "in the initializer of a static");
}

// What std::call_once keeps for the thread is read before the initializer runs: those of different flags may overlap.
TEST(ThreadState, InitializersOfStdCallOnceMayOverlapWhenTheirFlagsDiffer) {
  std::once_flag slow, quick, later;
  std::string order;
  interleave(
      [&](auto wait) {
        std::call_once(slow, [&] {
          order += "a";
          wait();
          order += "c";
        });
        std::call_once(later, [&] { order += "d"; });
      },
      [&] { std::call_once(quick, [&] { order += "b"; }); });
  EXPECT_EQ(order, "abcd");
}

// The owner is the thread: a second fiber of the worker is let in while the first one holds it.
TEST(ThreadState, StdRecursiveMutexDoesNotKeepFibersOfOneWorkerApart) {
  if (weft::testing::instrumented) GTEST_SKIP() << "a sanitizer reports what is shown here";
  std::recursive_mutex of_thread;
  weft::recursive_mutex of_fiber;
  bool let_in = false, let_in_by_weft = true;
  interleave(
      [&](auto wait) {
        const std::scoped_lock hold(of_thread, of_fiber);
        wait();
      },
      [&] {
        let_in = of_thread.try_lock();
        if (let_in) of_thread.unlock();
        let_in_by_weft = of_fiber.try_lock();
      });
  EXPECT_TRUE(let_in);
  EXPECT_FALSE(let_in_by_weft);
}

// The C library sees a thread that wants what it holds.
TEST(ThreadState, StdSharedMutexRefusesTheSecondFiberOfAWorker) {
  if (weft::testing::instrumented) GTEST_SKIP() << "a sanitizer reports what is shown here";
  std::shared_mutex lock;
  std::errc said{};
  interleave(
      [&](auto wait) {
        const std::unique_lock hold(lock);
        wait();
      },
      [&] {
        try {
          lock.lock();
        } catch (const std::system_error& e) {
          said = static_cast<std::errc>(e.code().value());
        }
      });
  EXPECT_EQ(said, std::errc::resource_deadlock_would_occur);
}

struct told_at_its_end {
  ~told_at_its_end() {
    if (ended != nullptr) *ended = this_fiber::is_fiber() ? 2 : 1;
  }
  std::atomic<int>* ended = nullptr;
};

told_at_its_end& local() {
  static thread_local told_at_its_end of_thread;
  return of_thread;
}

TEST(ThreadState, AThreadLocalIsDestroyedWithTheWorkersThread) {
  std::atomic<int> ended{0};
  {
    weft::runtime rt({.workers = 1});
    rt.run([&] { local().ended = &ended; });
    EXPECT_EQ(ended, 0) << "the fiber has ended, its worker has not";
    rt.run([&] { EXPECT_EQ(local().ended, &ended) << "the next fiber finds it"; });
  }
  EXPECT_EQ(ended, 1) << "by the thread, in no fiber";
}

TEST(ThreadState, UselocaleIsSeenByTheNextFiber) {
  const locale_t mine = ::newlocale(LC_ALL_MASK, "C", nullptr);
  ASSERT_NE(mine, nullptr);
  interleave(
      [&](auto wait) {
        const locale_t before = ::uselocale(mine);
        wait();
        ::uselocale(before);
      },
      [&] { EXPECT_EQ(::uselocale(nullptr), mine); });
  ::freelocale(mine);
}

TEST(ThreadState, StrtokGoesOnInTheTextOfWhoeverCalledItLast) {
  char a[] = "a1 a2", b[] = "b1 b2";
  char a_again[] = "a1 a2", b_again[] = "b1 b2";
  std::string mixed, apart;
  interleave(
      [&](auto wait) {
        char* place = nullptr;
        mixed = std::strtok(a, " ");
        apart = ::strtok_r(a_again, " ", &place);
        wait();
        mixed += std::strtok(nullptr, " ");
        apart += ::strtok_r(nullptr, " ", &place);
      },
      [&] {
        char* place = nullptr;
        std::strtok(b, " ");
        ::strtok_r(b_again, " ", &place);
      });
  EXPECT_EQ(mixed, "a1b2");
  EXPECT_EQ(apart, "a1a2");
}

// Jumps within one fiber: waits between setjmp and longjmp do no harm. Jumps into another one are not supported.
TEST(ThreadState, LongjmpStaysInItsFiber) {
  int jumps = 0;
  interleave(
      [&](auto wait) {
        std::jmp_buf here;
        volatile int n = 0;
        if (setjmp(here) < 3) {
          n = n + 1;
          if (n == 1) wait();
          this_fiber::yield();
          std::longjmp(here, n);
        }
        jumps = n;
      },
      [] { this_fiber::yield(); });
  EXPECT_EQ(jumps, 3);
}

}  // namespace
