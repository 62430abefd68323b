// when_all and when_any.
#include <atomic>     // counters
#include <chrono>     // durations
#include <memory>     // unique_ptr
#include <stdexcept>  // runtime_error
#include <string>     // results
#include <tuple>      // get
#include <variant>    // get

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/task/deadline.hpp>
#include <weft/task/when.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

TEST(WhenAll, GivesAllResultsInOrder) {
  everywhere([] {
    int x = 0;
    auto [a, b, c, d] = weft::when_all([] { return 1; }, [] { return std::make_unique<int>(2); }, [&] { x = 3; },
                                       [&]() -> int& { return x; });
    EXPECT_EQ(a, 1);
    EXPECT_EQ(*b, 2);
    static_assert(std::is_same_v<decltype(c), std::monostate>);
    EXPECT_EQ(d, 3);
    EXPECT_EQ(weft::when_all(), std::tuple<>());
  });
}

TEST(WhenAll, RunsThemAtTheSameTime) {
  everywhere([] {
    weft::event ping, pong;
    weft::when_all(
        [&] {
          ping.set();
          pong.wait();
        },
        [&] {
          ping.wait();
          pong.set();
        });
  });
}

TEST(WhenAll, TheFirstFailureStopsTheOthers) {
  everywhere([] {
    std::atomic<bool> stopped{false};
    EXPECT_THROW(weft::when_all(
                     [&] {
                       try {
                         wait_for_stop();
                       } catch (const weft::cancelled&) {
                         stopped = true;
                         throw;
                       }
                     },
                     [] { throw std::runtime_error("second"); }),
                 std::runtime_error);
    EXPECT_TRUE(stopped);
  });
}

TEST(WhenAny, TheFirstWinsAndTheOthersAreAwaited) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      std::atomic<int> ended{0};
      const auto winner = weft::when_any(
          [&] {
            try {
              this_fiber::sleep_for(1h);
            } catch (const weft::cancelled&) {
              ++ended;
              throw;
            }
            return 1;
          },
          [] {
            this_fiber::sleep_for(1ms);
            return std::string("fast");
          },
          [&] {
            try {
              wait_for_stop();
            } catch (const weft::cancelled&) {
              ++ended;
              throw;
            }
          });
      EXPECT_EQ(winner.index(), 1U);
      EXPECT_EQ(std::get<1>(winner), "fast");
      EXPECT_EQ(ended, 2);
    });
  });
}

TEST(WhenAny, OfSameTypesAndVoid) {
  everywhere([] {
    const auto winner = weft::when_any([] { wait_for_stop(); }, [] {}, [] { wait_for_stop(); });
    EXPECT_EQ(winner.index(), 1U);
    static_assert(std::is_same_v<decltype(winner), const std::variant<std::monostate, std::monostate, std::monostate>>);
  });
}

TEST(WhenAny, AFirstFinisherThatThrowsIsRethrown) {
  everywhere([] {
    EXPECT_THROW(weft::when_any([] { wait_for_stop(); }, []() -> int { throw std::runtime_error("x"); }),
                 std::runtime_error);
    // A loser's failure is dropped.
    const auto winner = weft::when_any(
        [] {
          try {
            wait_for_stop();
          } catch (const weft::cancelled&) {
            throw std::runtime_error("too late");
          }
        },
        [] { return 9; });
    EXPECT_EQ(std::get<1>(winner), 9);
  });
}

struct throws_when_moved_again {
  int* moves;
  explicit throws_when_moved_again(int& n) : moves(&n) {}
  throws_when_moved_again(throws_when_moved_again&& from) : moves(from.moves) {
    if (++*moves == 1) throw std::runtime_error("move");
  }
};

TEST(WhenAny, AResultThatCannotBeKeptIsAFailureOfTheWinner) {
  everywhere([] {
    int moves = 0;
    EXPECT_THROW(weft::when_any([&] { return throws_when_moved_again(moves); }, [] { wait_for_stop(); }),
                 std::runtime_error);
  });
}

TEST(When, ChildrenThatTheRuntimeStoppedAreNoResults) {
  for (const unsigned workers : {1U, 2U}) {
    weft::runtime rt({.workers = workers});
    rt.run([&] {
      const weft::cancel_shield shield;  // the owner does not hear of it
      rt.request_stop();
      EXPECT_THROW(weft::when_all([] {
                     this_fiber::sleep_for(1h);
                     return 1;
                   }),
                   weft::cancelled);
      EXPECT_THROW(weft::when_any([] { this_fiber::sleep_for(1h); }, [] { wait_for_stop(); }), weft::cancelled);
      weft::scope s;
      s.spawn([] { wait_for_stop(); });
      EXPECT_THROW(s.join(), weft::cancelled);
    });
  }
}

TEST(WhenAny, StoppedFromOutside) {
  everywhere([] {
    EXPECT_THROW(weft::with_timeout(1us, [] { weft::when_any([] { wait_for_stop(); }, [] { wait_for_stop(); }); }),
                 weft::timed_out);
    EXPECT_THROW(weft::with_timeout(1us, [] { weft::when_all([] { wait_for_stop(); }, [] {}); }), weft::timed_out);
  });
}

}  // namespace
