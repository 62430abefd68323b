// What does not count in the end: cancellations of those who lost, and of children that nobody joined.
#include <stdexcept>  // runtime_error
#include <string>     // reports

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/task/scope.hpp>
#include <weft/task/when.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace weft::testing;

struct sets {
  weft::event& e;
  ~sets() { e.set(); }
};

// Being moved takes until the loser has ended.
struct slow_to_move {
  weft::event& moving;
  weft::event& loser_ends;
  slow_to_move(weft::event& m, weft::event& l) : moving(m), loser_ends(l) {}
  slow_to_move(slow_to_move&& from) : moving(from.moving), loser_ends(from.loser_ends) {
    moving.set();
    const weft::cancel_shield shield;
    loser_ends.wait();
  }
};

TEST(WhenAny, ALosersCancellationDoesNotUndoTheWinner) {
  everywhere(
      [] {
        weft::event moving;
        weft::event loser_ends;
        EXPECT_NO_THROW({
          const auto winner = weft::when_any(
              [&] {
                return slow_to_move{moving, loser_ends};
              },
              [&] {
                const sets at_the_end{loser_ends};
                moving.wait();
                throw weft::cancelled{};  // as the join() of a fiber that somebody has stopped
              });
          EXPECT_EQ(winner.index(), 0U);
        });
      },
      200);
}

std::string report_of_a_scope_with(void (*child)()) {
  ::testing::internal::CaptureStderr();
  test_runtime rt{1};
  rt.run([&] {
    weft::scope s;
    s.spawn(child);
  });
  return ::testing::internal::GetCapturedStderr();
}

TEST(ScopeThatNobodyJoins, ReportsFailuresButNoCancellation) {
  const auto join_a_stopped_fiber = [] {
    auto other = weft::spawn(wait_for_stop);
    other.request_stop();
    other.join();
  };
  EXPECT_EQ(report_of_a_scope_with(join_a_stopped_fiber), "");
  const std::string report = report_of_a_scope_with([] { throw std::runtime_error("disk full"); });
  EXPECT_NE(report.find("disk full"), std::string::npos) << report;
}

}  // namespace
