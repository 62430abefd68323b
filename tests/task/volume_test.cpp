// A hundred thousand operations on scopes, deadlines, when_* and parallel_* from eight fibers on eight workers, in every build
// (ten million with WEFT_SOAK=1), while four of the fibers are stopped again and again: no child may outlive its scope,
// whichever of its end, a failure, a deadline and a stop from outside comes first.
#include <array>       // what was visited
#include <atomic>      // counters
#include <chrono>      // durations
#include <functional>  // plus
#include <stdexcept>   // failures
#include <variant>     // winners

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/volume.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// Made before a scope: when the scope has gone, by whatever way, each child that began has ended.
struct children {
  std::atomic<unsigned> begun{0}, ended{0};
  ~children() { EXPECT_EQ(begun, ended); }
  template <class Work>
  auto running(Work work) {
    return [this, work] {
      struct end {
        std::atomic<unsigned>* count;
        ~end() { ++*count; }
      };
      ++begun;
      const end at_end{&ended};
      work();
    };
  }
};

TEST(TaskVolume, Scopes) {
  in_raced_lanes([](unsigned, std::size_t i) {
    children all;
    weft::scope s;
    s.spawn(all.running([i] {
      if (i % 3 == 0) weft::event().wait();
      if (i % 3 == 1) throw std::runtime_error("failed");
    }));
    s.spawn(all.running([i] {
      if (i % 3 != 2) weft::event().wait();
    }));
    if (i % 2 == 0) this_fiber::yield();
    if (i % 3 == 0) s.request_stop();
    try {
      s.join();
      EXPECT_NE(i % 3, 1U);
      EXPECT_EQ(all.ended, 2U);
    } catch (const std::runtime_error&) {
      EXPECT_EQ(i % 3, 1U);
      EXPECT_EQ(all.ended, 2U);
    }
  });
}

TEST(TaskVolume, Deadlines) {
  in_raced_lanes([](unsigned, std::size_t i) {
    weft::event e;
    children all;
    bool waited = false;
    try {
      weft::with_timeout(i % 3 == 0 ? 10s : 1us, [&] {
        weft::scope s;
        s.spawn(all.running([&] {
          if (i % 3 != 1) e.set();
        }));
        e.wait();
        waited = true;
        s.join();
      });
      EXPECT_NE(i % 3, 1U);
    } catch (const weft::timed_out&) {
      EXPECT_NE(i % 3, 0U);
      EXPECT_TRUE(i % 3 == 2 || !waited);
    }
  });
}

TEST(TaskVolume, WhenAll) {
  in_raced_lanes([](unsigned lane, std::size_t i) {
    const auto [number, of] = weft::when_all(
        [&] {
          if (i % 2 == 0) this_fiber::yield();
          return i;
        },
        [&] { return lane; });
    EXPECT_EQ(number, i);
    EXPECT_EQ(of, lane);
  });
}

TEST(TaskVolume, WhenAny) {
  in_raced_lanes([](unsigned lane, std::size_t i) {
    children all;
    const auto first = weft::when_any(
        [&]() -> std::size_t {
          if (i % 2 == 0) all.running([] { weft::event().wait(); })();
          return i;
        },
        [&]() -> unsigned {
          if (i % 4 == 1) this_fiber::yield();
          return lane;
        });
    if (first.index() == 0) {
      EXPECT_EQ(std::get<0>(first), i);
      EXPECT_NE(i % 2, 0U);
    } else {
      EXPECT_EQ(std::get<1>(first), lane);
    }
  });
}

TEST(TaskVolume, ParallelInvoke) {
  in_raced_lanes([](unsigned, std::size_t i) {
    std::size_t left = 0, right = 0;
    weft::parallel_invoke(
        [&] {
          if (i % 4 == 0) this_fiber::yield();
          left = i;
        },
        [&] {
          if (i % 8 == 0) this_fiber::sleep_for(1us);
          right = i + 1;
        });
    EXPECT_EQ(left, i);
    EXPECT_EQ(right, i + 1);
  });
}

TEST(TaskVolume, ParallelForAndReduce) {
  in_raced_lanes([](unsigned, std::size_t i) {
    std::array<std::atomic<unsigned>, 6> visited{};
    weft::parallel_for(visited.begin(), visited.end(), [&](std::atomic<unsigned>& v) {
      if (i % 4 == 0) this_fiber::yield();
      ++v;
    });
    const unsigned sum = weft::parallel_reduce(visited.begin(), visited.end(), 0U, std::plus<>(),
                                               [](const std::atomic<unsigned>& v) { return v.load(); });
    EXPECT_EQ(sum, visited.size());
  });
}

}  // namespace
