// Fork-join: every element once, the results of the serial program, failures and stops.
#include <atomic>        // counters
#include <chrono>        // durations
#include <deque>         // another container
#include <functional>    // plus
#include <iterator>      // begin, end
#include <limits>        // numeric_limits
#include <numeric>       // iota
#include <stdexcept>     // runtime_error
#include <string>        // reduce
#include <system_error>  // operation_not_permitted
#include <vector>        // data

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/task/parallel.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/fiber/cancelled.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

int fib(int n) {
  if (n < 2) return n;
  int a = 0, b = 0;
  weft::parallel_invoke([&] { a = fib(n - 1); }, [&] { b = fib(n - 2); });
  return a + b;
}

TEST(ParallelInvoke, Recursive) {
  everywhere([] { EXPECT_EQ(fib(12), 144); });
}

TEST(ParallelInvoke, RunsEach) {
  everywhere([] {
    std::atomic<int> ran{0};
    weft::parallel_invoke();
    weft::parallel_invoke([&] { ran += 1; });
    weft::parallel_invoke([&] { ran += 10; }, [&] { ran += 100; }, [&] { ran += 1000; }, [&] { ran += 10000; });
    EXPECT_EQ(ran, 11111);
  });
}

TEST(ParallelInvoke, ABlockedBranchDoesNotKeepTheOtherFromStarting) {
  everywhere([] {
    weft::event e;
    weft::parallel_invoke([&] { e.wait(); }, [&] { e.set(); });
    weft::event first, second;
    weft::parallel_invoke(
        [&] {
          first.wait();
          second.set();
        },
        [&] {
          first.set();
          second.wait();
        });
  });
}

TEST(ParallelInvoke, TheFirstFailureInProgramOrderAfterAllHaveEnded) {
  everywhere([] {
    std::atomic<bool> other_ended{false};
    try {
      weft::parallel_invoke([] { throw std::runtime_error("left"); }, [] { throw std::runtime_error("right"); });
      ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "left");
    }
    EXPECT_THROW(weft::parallel_invoke([&] { this_fiber::yield(); }, [] { throw std::runtime_error("right"); }),
                 std::runtime_error);
    weft::event started;
    EXPECT_THROW(weft::parallel_invoke(
                     [&] {
                       started.wait();
                       throw std::runtime_error("left");
                     },
                     [&] {
                       started.set();
                       try {
                         weft::event().wait();
                       } catch (const weft::cancelled&) {
                         other_ended = true;
                         throw;
                       }
                     }),
                 std::runtime_error);
    EXPECT_TRUE(other_ended);
  });
}

TEST(ParallelInvoke, AStopReachesBothBranches) {
  everywhere([] {
    std::atomic<int> waiting{0}, stopped{0};
    const auto wait = [&] {
      ++waiting;
      try {
        weft::event().wait();
      } catch (const weft::cancelled&) {
        ++stopped;
        throw;
      }
    };
    auto f = weft::spawn([&] { weft::parallel_invoke(wait, wait); });
    while (waiting != 2) this_fiber::yield();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(stopped, 2);
  });
}

TEST(ParallelFor, VisitsEachOnce) {
  everywhere([] {
    for (const int n : {0, 1, 2, 7, 100, 1000, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
      weft::parallel_for(0, n, [&](int i) { ++seen[static_cast<std::size_t>(i)]; });
      for (const auto& s : seen) ASSERT_EQ(s, 1);
      weft::parallel_for(seen.begin(), seen.end(), [](std::atomic<int>& s) { ++s; });
      for (const auto& s : seen) ASSERT_EQ(s, 2);
    }
    weft::parallel_for(5, 3, [](int) { ADD_FAILURE() << "an empty range"; });
    weft::parallel_for(5U, 3U, [](unsigned) { ADD_FAILURE() << "an empty range"; });
    EXPECT_EQ(weft::detail::length_of(-2'000'000'000, 2'000'000'000), 4'000'000'000);
  });
}

// The widest range that ends at the type's last value: no step may leave the type on the way.
template <class I>
void visits_up_to_the_last_value() {
  const auto last = std::numeric_limits<I>::max();
  const auto first = static_cast<I>(sizeof(I) == 1 ? std::numeric_limits<I>::min() : last - 1000);
  const long n = static_cast<long>(last) - static_cast<long>(first);
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
  weft::parallel_for(first, last,
                     [&](I i) { ++seen[static_cast<std::size_t>(static_cast<long>(i) - static_cast<long>(first))]; });
  for (const auto& s : seen) ASSERT_EQ(s, 1);
  EXPECT_EQ(weft::parallel_reduce(first, last, 0L, std::plus<>(), [](I) { return 1L; }), n);
}

TEST(Parallel, TakesEveryIntegerType) {
  everywhere([] {
    visits_up_to_the_last_value<signed char>();
    visits_up_to_the_last_value<unsigned char>();
    visits_up_to_the_last_value<short>();
    visits_up_to_the_last_value<unsigned short>();
    visits_up_to_the_last_value<int>();
    visits_up_to_the_last_value<unsigned>();
    visits_up_to_the_last_value<long>();
    visits_up_to_the_last_value<unsigned long>();
  });
}

TEST(Parallel, TakesPointersAndIteratorsOfAnyContainer) {
  everywhere([] {
    int numbers[100];
    std::iota(std::begin(numbers), std::end(numbers), 1);
    const auto same = [](int i) { return i; };
    EXPECT_EQ(weft::parallel_reduce(std::begin(numbers), std::end(numbers), 0, std::plus<>(), same), 5050);
    std::deque<int> queue(std::begin(numbers), std::end(numbers));
    weft::parallel_for(queue.rbegin(), queue.rend(), [](int& i) { i *= 2; });
    EXPECT_EQ(weft::parallel_reduce(queue.cbegin(), queue.cend(), 0, std::plus<>(), same), 10100);
  });
}

TEST(ParallelFor, SmallRangesOverlapWhenTheyBlock) {
  everywhere([] {
    std::atomic<int> inside{0};
    weft::event all;
    weft::parallel_for(0, 20, [&](int) {
      if (++inside == 20) all.set();
      all.wait();
    });
    EXPECT_EQ(inside, 20);
  });
}

TEST(ParallelReduce, KeepsTheOrder) {
  everywhere([] {
    const std::string text = weft::parallel_reduce(
        0, 26, std::string(">"), [](std::string a, const std::string& b) { return a + b; },
        [](int i) { return std::string(1, static_cast<char>('a' + i)); });
    EXPECT_EQ(text, ">abcdefghijklmnopqrstuvwxyz");
    std::vector<long> v(100'000);
    std::iota(v.begin(), v.end(), 1L);
    const long sum = weft::parallel_reduce(v.begin(), v.end(), 0L, std::plus<>(), [](long x) { return 2 * x; });
    EXPECT_EQ(sum, 100'000L * 100'001L);
    EXPECT_EQ(weft::parallel_reduce(0, 0, 7, std::plus<>(), [](int i) { return i; }), 7);
  });
}

TEST(Parallel, OutsideAFiberIsRefused) {
  try {
    weft::parallel_invoke([] {}, [] {});
    ADD_FAILURE() << "accepted";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::operation_not_permitted);
  }
}

TEST(Parallel, Stress) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      const int n = weft::testing::instrumented ? 16 : 23;
      EXPECT_EQ(fib(n), weft::testing::instrumented ? 987 : 28657);
    });
  });
}

}  // namespace
