// Unwindings that overtake one another: each suspends in a destructor, and they go on in the order in which they came, not
// nested. A runtime for exceptions that keeps those in flight on a stack of the thread's (32-bit ARM) would resume the wrong one.
#include <exception>  // uncaught_exceptions
#include <vector>     // handles

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

template <class Suspend>
struct suspends_when_destroyed {
  Suspend suspend;
  explicit suspends_when_destroyed(Suspend s) : suspend(s) {}
  suspends_when_destroyed(const suspends_when_destroyed&) = delete;
  suspends_when_destroyed& operator=(const suspends_when_destroyed&) = delete;
  ~suspends_when_destroyed() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    suspend();
    EXPECT_EQ(std::uncaught_exceptions(), 1);
  }
};

// \return what was caught: `value`, if it came through both cleanups
template <class Suspend>
int thrown_through_suspensions(int value, Suspend suspend) {
  try {
    const suspends_when_destroyed outer{suspend};
    const suspends_when_destroyed inner{suspend};
    throw value;
  } catch (int caught) {
    return caught;
  }
}

TEST(Crossing, UnwindingsOfCoroutinesOvertakeOneAnother) {
  int caught[3] = {};
  std::vector<weft::coroutine> all;
  for (int i = 0; i < 3; ++i) {
    all.emplace_back([&caught, i](weft::coroutine& self) {
      caught[i] = thrown_through_suspensions(100 + i, [&self] { self.yield(); });
    });
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& c : all) c.resume();
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(all[static_cast<std::size_t>(i)].done());
    EXPECT_EQ(caught[i], 100 + i);
  }
}

TEST(Crossing, UnwindingsOfFibersOvertakeOneAnother) {
  weft::testing::everywhere([] {
    std::vector<weft::fiber<int>> all;
    for (int i = 0; i < 8; ++i) {
      all.push_back(weft::spawn([i] { return thrown_through_suspensions(i, [] { weft::this_fiber::yield(); }); }));
    }
    for (int i = 0; i < 8; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].join(), i);
  });
}

}  // namespace
