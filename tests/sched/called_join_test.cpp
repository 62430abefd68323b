// A join that goes to its fiber as a call: it arms no wait, and is a wait like others as soon as the fiber suspends.
#include <cfenv>      // rounding mode
#include <exception>  // current_exception
#include <string>     // order of events
#include <vector>     // handles

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "sched/worker.hpp"  // the park word, whose generation tells a wait from a call

namespace {

// Joins are calls only while nobody is ready: so these tests wait for events where others would yield.
namespace this_fiber = weft::this_fiber;

// Of the running fiber: it changes when a wait is armed.
std::uint64_t park_word() { return weft::detail::current_worker()->current->park.word.load(); }

template <class F>
void on_one_worker(F&& body) {
  weft::run({.workers = 1}, body);
}

TEST(CalledJoin, ArmsNoWaitWhenTheFiberDoesNotSuspend) {
  on_one_worker([] {
    constexpr int joins = 100;
    int calls = 0;
    for (int i = 0; i < joins; ++i) {
      const std::uint64_t before = park_word();
      EXPECT_EQ(weft::spawn([i] { return i; }).join(), i);
      calls += static_cast<int>(park_word() == before);
    }
    EXPECT_GT(calls, joins / 2);  // not all: rounds end meanwhile
  });
}

TEST(CalledJoin, IsStoppedOnceTheFiberHasSuspended) {
  on_one_worker([] {
    weft::event go, suspends;
    bool cancelled = false;
    auto joiner = weft::spawn([&] {
      auto child = weft::spawn([&] {
        suspends.set();
        go.wait();
        return 5;
      });
      try {
        child.join();
      } catch (const weft::cancelled&) {
        cancelled = true;
      }
      const weft::cancel_shield shield;
      go.set();
      return child.join();  // still joinable
    });
    suspends.wait();
    joiner.request_stop();
    EXPECT_EQ(joiner.join(), 5);
    EXPECT_TRUE(cancelled);
  });
}

TEST(CalledJoin, SeesAStopThatCameBeforeTheFiberSuspended) {
  on_one_worker([] {
    weft::event go;
    weft::fiber<> joiner;
    bool cancelled = false, child_ended = false;
    joiner = weft::spawn([&] {
      auto child = weft::spawn([&] {
        joiner.request_stop();
        go.wait();
        child_ended = true;
      });
      try {
        child.join();
      } catch (const weft::cancelled&) {
        cancelled = !child_ended;
      }
      const weft::cancel_shield shield;
      go.set();
      child.join();
    });
    joiner.join();
    EXPECT_TRUE(cancelled);
  });
}

TEST(CalledJoin, EachJoinerOfAChainCanBeStoppedWhileTheInnermostWaits) {
  on_one_worker([] {
    constexpr int depth = 5;
    weft::event go, suspends;
    std::vector<weft::stop_token> tokens;
    std::vector<int> cancelled;
    const auto link = [&](auto& self, int level) -> void {
      tokens.push_back(this_fiber::get_stop_token());
      if (level == depth) {
        suspends.set();
        go.wait();
        return;
      }
      auto inner = weft::spawn([&self, level] { self(self, level + 1); });
      try {
        inner.join();
      } catch (const weft::cancelled&) {
        cancelled.push_back(level);
        const weft::cancel_shield shield;
        inner.join();
      }
    };
    auto outermost = weft::spawn([&] { link(link, 0); });
    suspends.wait();
    outermost.request_stop();
    this_fiber::yield();
    EXPECT_EQ(cancelled, std::vector<int>{0});  // a plain join does not pass a stop on
    for (std::size_t level = 1; level < tokens.size(); ++level) EXPECT_FALSE(tokens[level].stop_requested());
    go.set();
    outermost.join();
  });
}

TEST(CalledJoin, WhomTheFiberHasMadeReadyRunsBeforeTheJoiner) {
  on_one_worker([] {
    weft::event go;
    std::string order;
    auto waiter = weft::spawn([&] {
      go.wait();
      order += 'w';
    });
    this_fiber::yield();  // it waits now, and nobody is ready
    weft::spawn([&] {
      go.set();
      order += 'c';
    }).join();
    order += 'j';
    EXPECT_EQ(order, "cwj");
    waiter.join();
  });
}

TEST(CalledJoin, KeepsExceptionsAndRoundingOfBothApart) {
  on_one_worker([] {
    const std::exception_ptr mine = std::make_exception_ptr(1);
    try {
      std::rethrow_exception(mine);
    } catch (int) {
      const bool none_seen = weft::spawn([] {
                               std::fesetround(FE_UPWARD);
                               return std::current_exception() == nullptr && std::uncaught_exceptions() == 0;
                             }).join();
      EXPECT_TRUE(none_seen);
      EXPECT_EQ(std::current_exception(), mine);
      EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    }
    EXPECT_THROW(weft::spawn([] { throw 2; }).join(), int);
  });
}

TEST(CalledJoin, MayBeMadeInAScopesChildOnABorrowedStack) {
  on_one_worker([] {
    int done = 0;
    const auto middle = [&] {
      weft::scope children;
      children.spawn([&] {
        weft::spawn([&] {
          this_fiber::yield();
          ++done;
        }).join();
        this_fiber::yield();
        ++done;
      });
      children.join();
      ++done;
    };
    weft::spawn(middle).join();
    EXPECT_EQ(done, 3);
  });
}

TEST(CalledJoin, DeepChainsEndAndSuspend) {
  on_one_worker([] {
    const auto down = [](auto& self, int level) -> int {
      if (level == 0) {
        this_fiber::yield();
        return 0;
      }
      return 1 + weft::spawn([&self, level] { return self(self, level - 1); }).join();
    };
    constexpr int depth = 1000;
    EXPECT_EQ(down(down, depth), depth);
  });
}

}  // namespace
