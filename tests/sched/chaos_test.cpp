// Chaos mode: what it is told, that it acts, and where it must not.
#include <cstdlib>    // setenv
#include <stdexcept>  // invalid_argument
#include <string>     // messages

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "sched/chaos.hpp"
#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using weft::detail::chaos_settings;
using weft::detail::parse_chaos;
using weft::detail::set_chaos;
using weft::testing::expect_in_child;
using weft::testing::test_runtime;
namespace this_fiber = weft::this_fiber;

constexpr chaos_settings always{.seed = 1, .threshold = UINT32_MAX};

TEST(Chaos, SettingsAreASeedAndAProbability) {
  const auto usual = parse_chaos("18446744073709551615");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->seed, UINT64_MAX);
  EXPECT_GT(usual->threshold, 0U);
  EXPECT_LT(usual->threshold, UINT32_MAX / 2);
  const auto half = parse_chaos("7:0.5");
  ASSERT_TRUE(half);
  EXPECT_EQ(half->seed, 7U);
  EXPECT_NEAR(half->threshold, 2147483648.0, 2.0);
  EXPECT_EQ(parse_chaos("0:1")->threshold, UINT32_MAX);
  EXPECT_GT(parse_chaos("0:1e-12")->threshold, 0U);  // asked for: never quite off
  for (const char* bad :
       {"", "x", "-1", "7:", "7:0", "7:-0.5", "7:1.01", "7:nan", "7:inf", "7:0.5x", "7 ", "0x7", "7:0,5"}) {
    EXPECT_FALSE(parse_chaos(bad)) << bad;
  }
}

TEST(Chaos, TheEnvironmentTurnsItOn) {
  expect_in_child([] {
    ::setenv("WEFT_CHAOS", "7:0.25", 1);
    EXPECT_FALSE(weft::detail::chaos_is_on());
    EXPECT_EQ(weft::run([] { return 1; }), 1);
    EXPECT_TRUE(weft::detail::chaos_is_on());
    EXPECT_EQ(weft::detail::current_chaos().seed, 7U);
  });
  expect_in_child([] {
    ::setenv("WEFT_CHAOS", "often", 1);
    try {
      weft::runtime rt;
      ADD_FAILURE() << "accepted";
    } catch (const std::invalid_argument& e) {
      EXPECT_NE(std::string(e.what()).find("WEFT_CHAOS=often is not valid: expected a seed"), std::string::npos)
          << e.what();
    }
  });
}

// Few enough operations to stay within the budget of a dispatch: by itself the first fiber would run to its end.
bool another_fiber_ran_in_between() {
  weft::runtime rt(weft::runtime_options{.workers = 1});
  return rt.run([] {
    weft::event is_set;
    is_set.set();
    bool ran = false;
    auto other = weft::spawn([&] { ran = true; });
    for (int i = 0; i < 50; ++i) is_set.wait();
    const bool in_between = ran;
    other.join();
    return in_between;
  });
}

TEST(Chaos, YieldsWhereAnOperationMaySuspend) {
  expect_in_child([] {
    set_chaos({});
    EXPECT_FALSE(another_fiber_ran_in_between());
    set_chaos(always);
    EXPECT_TRUE(another_fiber_ran_in_between());
    set_chaos({});
    EXPECT_FALSE(another_fiber_ran_in_between());
  });
}

TEST(Chaos, DoesNotSuspendWhereThatIsForbidden) {
  expect_in_child([] {
    set_chaos(always);
    weft::run(weft::runtime_options{.workers = 2}, [] {
      weft::event is_set;
      is_set.set();
      auto other = weft::spawn([] {});
      const weft::no_suspend section;
      for (int i = 0; i < 1000; ++i) is_set.wait();
      is_set.reset();
      is_set.set();
    });
  });
}

TEST(Chaos, LeavesSchedulesDrawnFromASeedAlone) {
  expect_in_child([] {
    const auto fingerprint = [] {
      test_runtime rt(weft::testing::test_schedule{.seed = 8, .workers = 2});
      rt.run([] {
        weft::event go;
        std::vector<weft::fiber<>> all;
        for (int i = 0; i < 20; ++i) {
          all.push_back(weft::spawn([&] {
            go.wait();
            go.wait();
            this_fiber::yield();
          }));
        }
        this_fiber::yield();
        go.set();
        for (auto& f : all) f.join();
      });
      return rt.fingerprint();
    };
    set_chaos({});
    const std::uint64_t calm = fingerprint();
    set_chaos(always);
    EXPECT_EQ(fingerprint(), calm);
  });
}

TEST(Chaos, WithRealWorkersTriesItToo) {
  unsigned calm = 0, disturbed = 0;
  weft::testing::with_real_workers([&](weft::runtime&) { ++(weft::detail::chaos_is_on() ? disturbed : calm); });
  if (std::getenv("WEFT_CHAOS") != nullptr) GTEST_SKIP() << "WEFT_CHAOS is set: nothing is calm";
  EXPECT_EQ(calm, 3U);
  EXPECT_EQ(disturbed, 2U);
  EXPECT_FALSE(weft::detail::chaos_is_on());
}

}  // namespace
