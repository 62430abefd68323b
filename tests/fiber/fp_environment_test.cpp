// Floating-point control belongs to the fiber: a rounding mode set in one does not leak into another.
#include <cfenv>   // fesetround
#include <vector>  // handles

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/machine.hpp"
#include "support/schedules.hpp"

namespace {

using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

constexpr int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};

TEST(FloatingPoint, EachFiberKeepsItsMode) {
  everywhere([] {
    std::vector<weft::fiber<>> all;
    for (unsigned i = 0; i < 64; ++i) {
      all.push_back(weft::spawn([i] {
        ASSERT_EQ(std::fegetround(), FE_TONEAREST);
        ASSERT_FALSE(flush_to_zero());
        std::fesetround(modes[i % 4]);
        if (i % 3 == 0) set_flush_to_zero();
        for (int round = 0; round < 10; ++round) {
          if (round % 4 == 3) {
            this_fiber::sleep_for(std::chrono::microseconds(1));
          } else {
            this_fiber::yield();
          }
          ASSERT_EQ(std::fegetround(), modes[i % 4]);
          ASSERT_EQ(flush_to_zero(), has_flush_to_zero && i % 3 == 0);
        }
      }));
    }
    for (auto& f : all) f.join();
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  });
}

// The next fiber on the stack of one that ended with a changed mode starts with the default.
TEST(FloatingPoint, AnEndedFibersModeDoesNotReachTheNextOnItsStack) {
  everywhere([] {
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 40; ++i) {
      all.push_back(weft::spawn([i] {
        EXPECT_EQ(std::fegetround(), FE_TONEAREST);
        EXPECT_FALSE(flush_to_zero());
        std::fesetround(modes[1 + i % 3]);
        set_flush_to_zero();
      }));
    }
    for (auto& f : all) f.join();
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    EXPECT_FALSE(flush_to_zero());
  });
}

TEST(FloatingPoint, TheThreadsOwnModeStaysItsOwn) {
  weft::testing::test_runtime rt(1);
  std::fesetround(FE_UPWARD);
  rt.run([] {
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    std::fesetround(FE_DOWNWARD);
  });
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}

// Where contexts differ in these words a switch takes longer, 20 times on some Intel processors: fibers, their worker between
// them, and whoever makes a coroutine have the flag raised that nearly every computation raises.
TEST(FloatingPoint, TheInexactFlagIsRaisedWhereverAContextBegins) {
  set_fp_state(fp_state() & ~inexact_flag);
  weft::coroutine idle{[](weft::coroutine& self) { self.yield(); }};
  EXPECT_NE(fp_state() & inexact_flag, 0U) << "the maker";
  idle.resume();
  everywhere([] {
    EXPECT_NE(fp_state() & inexact_flag, 0U);
    weft::spawn([] {
      EXPECT_EQ(std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW), 0);
      EXPECT_NE(fp_state() & inexact_flag, 0U);
      std::feclearexcept(FE_ALL_EXCEPT);
      this_fiber::yield();
      EXPECT_EQ(std::fetestexcept(FE_ALL_EXCEPT), 0) << "who clears it has it cleared";
    }).join();
  });
}

}  // namespace
