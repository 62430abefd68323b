// join() in a shield: the stop outside is not seen there, but it must not pass for success when it has kept children from
// their work.
#include <chrono>     // durations
#include <stdexcept>  // runtime_error

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/task/deadline.hpp>
#include <weft/task/scope.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;

// A deadline around a scope passes while a shield keeps the join from seeing it, but not the child.
void expect_no_commit_after(std::chrono::milliseconds deadline, test_runtime& rt) {
  bool committed = false;
  rt.run([&] {
    EXPECT_THROW(weft::with_timeout(deadline,
                                    [&] {
                                      weft::scope s;
                                      s.spawn(wait_for_stop);
                                      const weft::cancel_shield shield;
                                      s.join();
                                      committed = true;
                                    }),
                 weft::timed_out);
  });
  EXPECT_FALSE(committed);
}

TEST(ScopeJoinInAShield, ThrowsWhenADeadlineOutsideHasCancelledAChild) {
  under_seeds(100, [](test_runtime& rt) { expect_no_commit_after(50ms, rt); });
}

TEST(ScopeJoinInAShield, ThrowsWhenAStopOfTheFiberHasCancelledAChild) {
  everywhere(
      [] {
        bool committed = false;
        auto owner = weft::spawn([&] {
          weft::scope s;
          s.spawn(wait_for_stop);
          const weft::cancel_shield shield;
          s.join();
          committed = true;
        });
        weft::this_fiber::yield();
        owner.request_stop();
        EXPECT_THROW(owner.join(), weft::cancelled);
        EXPECT_FALSE(committed);
      },
      100);
}

TEST(ScopeJoinInAShield, ThrowsForAChildThatWasBornStopped) {
  under_seeds(50, [](test_runtime& rt) { expect_no_commit_after(0ms, rt); });
}

TEST(ScopeJoinInAShield, ThrowsForTheChildrenOfAStoppedChild) {
  everywhere(
      [] {
        bool committed = false;
        weft::scope outer;
        outer.spawn([&] {
          weft::scope s;
          s.spawn(wait_for_stop);
          const weft::cancel_shield shield;
          s.join();
          committed = true;
        });
        weft::this_fiber::yield();
        outer.request_stop();
        outer.join();  // its own request
        EXPECT_FALSE(committed);
      },
      100);
}

TEST(ScopeJoinInAShield, ReturnsWhenTheChildrenHaveDoneTheirWorkInSpiteOfTheStop) {
  under_seeds(100, [](test_runtime& rt) {
    bool written = false;
    bool committed = false;
    rt.run([&] {
      weft::with_timeout(50ms, [&] {
        weft::scope s;
        s.spawn([&] {
          const weft::cancel_shield shield;
          weft::this_fiber::sleep_for(100ms);
          written = true;
        });
        const weft::cancel_shield shield;
        s.join();
        committed = written;
      });
    });
    EXPECT_TRUE(committed);
  });
}

TEST(ScopeJoinInAShield, ReturnsWhenTheScopeItselfHasStoppedTheChild) {
  everywhere(
      [] {
        weft::scope s;
        s.spawn(wait_for_stop);
        const weft::cancel_shield shield;
        s.request_stop();
        EXPECT_NO_THROW(s.join());
      },
      100);
}

TEST(ScopeJoinInAShield, ThrowsTheFailureThatHasStoppedTheOtherChildren) {
  everywhere(
      [] {
        weft::scope s;
        s.spawn(wait_for_stop);
        s.spawn([] { throw std::runtime_error("boom"); });
        const weft::cancel_shield shield;
        EXPECT_THROW(s.join(), std::runtime_error);
        EXPECT_NO_THROW(s.join());  // taken, and nobody else has stopped it
      },
      100);
}

}  // namespace
