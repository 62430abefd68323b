// A deferred function whose lender is stopped: its outcome belongs to all who wait for it.
#include <future>  // launch
#include <vector>  // handles

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/future.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;

TEST(DeferredStop, OfTheFiberThatRunsTheFunctionIsNotTheOutcome) {
  everywhere(
      [] {
        weft::event begun;
        weft::event loaded;
        weft::shared_future<int> config = weft::async(std::launch::deferred, [&] {
          begun.set();
          loaded.wait();
          return 7;
        });
        auto first = weft::spawn([config] { return config.get(); });
        begun.wait();
        auto second = weft::spawn([config] { return config.get(); });
        first.request_stop();
        loaded.set();
        EXPECT_EQ(first.join(), 7);
        EXPECT_EQ(second.join(), 7);
        EXPECT_EQ(config.get(), 7);
      },
      200);
}

TEST(DeferredStop, ThatIsPendingLeavesTheFunctionToTheNext) {
  everywhere(
      [] {
        weft::future<int> answer = weft::async(std::launch::deferred, [] { return 42; });
        weft::event requested;
        auto stopped = weft::spawn([&] {
          {
            const weft::cancel_shield shield;
            requested.wait();  // another worker may have begun with it
          }
          EXPECT_THROW(answer.wait(), weft::cancelled);
        });
        stopped.request_stop();
        requested.set();
        stopped.join();
        EXPECT_EQ(answer.wait_for(0ms), std::future_status::deferred);
        EXPECT_EQ(answer.get(), 42);
      },
      100);
}

TEST(DeferredStop, InsideOfTheFunctionIsAFailureAsAnyOther) {
  everywhere(
      [] {
        weft::shared_future<void> result = weft::async(std::launch::deferred, [] {
          auto child = weft::spawn([] { weft::this_fiber::sleep_for(24h); });
          child.request_stop();
          child.join();
        });
        EXPECT_THROW(result.get(), weft::cancelled);
        EXPECT_THROW(result.get(), weft::cancelled);
      },
      50);
}

}  // namespace
