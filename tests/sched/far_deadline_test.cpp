// Deadlines beyond what the steady clock can say: no deadline at all. And times before all times: passed.
#include <chrono>       // clocks
#include <cmath>        // nextafter
#include <cstdint>      // int64_t
#include <limits>       // infinity
#include <type_traits>  // is_same

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sched/time.hpp>

#include "support/test_runtime.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using weft::detail::deadline_after;
using weft::detail::has_passed;
using weft::detail::steady_deadline;
constexpr auto never = steady_clock::time_point::max();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

template <class Clock, class Duration>
using time_of = std::chrono::time_point<Clock, Duration>;
template <class Rep>
using seconds_of = std::chrono::duration<Rep>;

// What was passed before the call has passed after it.
template <class Time>
void expect_passed(Time until) {
  const auto at = steady_deadline(until);
  EXPECT_LE(at, steady_clock::now());
  EXPECT_TRUE(has_passed(until));
}
template <class Time>
void expect_never(Time until) {
  EXPECT_EQ(steady_deadline(until), never);
  EXPECT_FALSE(has_passed(until));
}

TEST(FarDeadline, OfTheSteadyClockInCoarserUnits) {
  expect_never(time_of<steady_clock, std::chrono::seconds>::max());
  expect_never(time_of<steady_clock, std::chrono::hours>::max());
  expect_never(time_of<steady_clock, seconds_of<std::uint64_t>>::max());
  expect_passed(time_of<steady_clock, std::chrono::seconds>::min());
  expect_passed(time_of<steady_clock, std::chrono::hours>::min());
}

TEST(FarDeadline, OfTheSteadyClockInFloatingPoint) {
  const auto now = steady_clock::now();
  expect_never(now + seconds_of<double>(infinity));
  expect_never(now + seconds_of<double>(1e300));
  expect_never(now + seconds_of<float>(std::numeric_limits<float>::max()));
  expect_never(time_of<steady_clock, seconds_of<double>>(seconds_of<double>(9223372036.854775807)));
  expect_passed(now - seconds_of<double>(infinity));
  expect_passed(time_of<steady_clock, seconds_of<double>>(seconds_of<double>(no_number)));
}

TEST(FarDeadline, OfTheSystemClock) {
  expect_never(time_of<system_clock, std::chrono::seconds>::max());
  expect_never(time_of<system_clock, std::chrono::hours>::max());
  expect_never(time_of<system_clock, seconds_of<double>>(seconds_of<double>(infinity)));
  expect_passed(time_of<system_clock, std::chrono::seconds>::min());
  expect_passed(time_of<system_clock, std::chrono::hours>::min());
  expect_passed(time_of<system_clock, seconds_of<double>>(seconds_of<double>(-infinity)));
  expect_passed(time_of<system_clock, seconds_of<double>>(seconds_of<double>(no_number)));
}

TEST(FarDeadline, OfADurationThatIsNoNumberIsNow) {
  const auto at = deadline_after(seconds_of<double>(no_number));
  EXPECT_LE(at, steady_clock::now());
  EXPECT_EQ(deadline_after(seconds_of<double>(infinity)), never);
  const auto negative = deadline_after(seconds_of<double>(-infinity));
  EXPECT_LE(negative, steady_clock::now());
}

// The largest values that still fit: neither early nor beyond the end.
TEST(FarDeadline, JustBelowTheEndIsKept) {
  const double limit = 9223372036.854775807;  // rounds up to 2^63 ns
  const seconds_of<double> below(std::nextafter(limit, 0));
  const auto at = steady_deadline(time_of<steady_clock, seconds_of<double>>(below));
  EXPECT_LT(at, never);
  EXPECT_GE(std::chrono::duration<long double>(at.time_since_epoch()), std::chrono::duration<long double>(below));
  const time_of<steady_clock, std::chrono::seconds> whole(std::chrono::seconds(9'223'372'036));
  EXPECT_EQ(steady_deadline(whole), steady_clock::time_point(9'223'372'036s));
}

TEST(FarDeadline, AnOrdinaryOneIsExact) {
  const steady_clock::time_point odd(std::chrono::nanoseconds(1'234'567'890'123'456'789));
  EXPECT_EQ(steady_deadline(odd), odd);
  using third = std::chrono::duration<std::int64_t, std::ratio<1, 3>>;
  EXPECT_EQ(steady_deadline(time_of<steady_clock, third>(third(1))).time_since_epoch(), 333'333'334ns);
  EXPECT_EQ(steady_deadline(time_of<steady_clock, seconds_of<double>>(seconds_of<double>(1.5))).time_since_epoch(),
            1500ms);
}

TEST(FarDeadline, ASleepUntilThenEndsOnlyByAStop) {
  weft::testing::test_runtime rt{1};
  auto sleeper =
      rt.spawn("sleeper", [] { weft::this_fiber::sleep_until(time_of<system_clock, std::chrono::seconds>::max()); });
  rt.advance(24h);
  EXPECT_EQ(rt.live_count(), 1U);
  sleeper.request_stop();
  EXPECT_THROW(sleeper.join(), weft::cancelled);
}

}  // namespace
