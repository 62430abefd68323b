// Borrowed stacks: when a scope's join() runs a child on the joiner's own stack, when it must not, and that the child is
// a fiber of its own all the same. The same for the forks of parallel_*, which are calls when nobody took them.
#include <cfenv>      // rounding modes
#include <chrono>     // durations
#include <cstdint>    // uintptr_t
#include <exception>  // terminate
#include <string>     // names

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "stack/stack.hpp"  // locate_stack_address
#include "support/child.hpp"
#include "support/death_style.hpp"
#include "support/instrumented.hpp"
#include "support/keep_frame.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// Which stack the caller runs on.
[[gnu::noinline]] const void* stack_here() {
  return weft::detail::locate_stack_address(__builtin_frame_address(0)).slot;
}

// A case on one worker: nobody is there to steal a child before its scope waits for it.
template <class Main>
void on_one_worker(Main main) {
  weft::runtime rt({.workers = 1});
  rt.run(main);
}

// One child at a time: between two, the worker may look around and start the other one itself.
TEST(Borrow, AChildNobodyStartedRunsOnTheStackOfTheJoiner) {
  on_one_worker([] {
    const void* const mine = stack_here();
    ASSERT_NE(mine, nullptr);
    weft::scope s;
    for (int i = 0; i < 3; ++i) {
      const void* child = nullptr;
      s.spawn([&] { child = stack_here(); });
      s.join();
      EXPECT_EQ(child, mine);
    }
  });
}

TEST(Borrow, TheDestructorOfAScopeLendsToo) {
  on_one_worker([] {
    const void* child = nullptr;
    {
      weft::scope s;
      s.spawn([&] { child = stack_here(); });
    }
    EXPECT_EQ(child, stack_here());
  });
}

TEST(Borrow, AForkNobodyTookIsACallOfTheForkingFiber) {
  on_one_worker([] {
    const void* const mine = stack_here();
    const auto id = this_fiber::get_id();
    const auto expect_mine = [&] {
      EXPECT_EQ(stack_here(), mine);
      EXPECT_EQ(this_fiber::get_id(), id);
    };
    weft::parallel_invoke(expect_mine, expect_mine);
    weft::parallel_for(0, 100, [&](int) { expect_mine(); });
  });
}

TEST(Borrow, AChildThatHasStartedKeepsItsOwnStack) {
  on_one_worker([] {
    const void* before = nullptr;
    const void* after = nullptr;
    weft::event go_on;
    weft::scope s;
    s.spawn([&] {
      before = stack_here();
      go_on.wait();
      after = stack_here();
    });
    while (before == nullptr) this_fiber::yield();
    go_on.set();
    s.join();
    EXPECT_NE(before, stack_here());
    EXPECT_EQ(after, before);
  });
}

TEST(Borrow, AChildWithAStackOfItsOwnChoiceGetsIt) {
  on_one_worker([] {
    const void* child = nullptr;
    weft::scope s;
    s.spawn({.stack_size = 256 * 1024}, [&] {
      child = stack_here();
      EXPECT_GT(this_fiber::stack_remaining(), 128U * 1024);
    });
    s.join();
    ASSERT_NE(child, nullptr);
    EXPECT_NE(child, stack_here());
  });
}

// Three quarters of a default stack must be left: what a child may need does not depend on how deep its joiner is.
TEST(Borrow, AChildGetsAStackOfItsOwnWhenTooLittleIsLeft) {
  struct deep {
    [[gnu::noinline]] static void join_with_less_than(std::size_t left, const void*& child) {
      volatile char frame[2048];
      keep_frame(frame);
      frame[0] = 1;
      if (this_fiber::stack_remaining() >= left) {
        join_with_less_than(left, child);
      } else {
        weft::scope s;
        s.spawn([&] { child = stack_here(); });
        s.join();
      }
      EXPECT_EQ(frame[0], 1);  // and no call of it is the last one of its caller
    }
  };
  constexpr std::size_t guard = 64 * 1024;
  for (const std::size_t size : {std::size_t{256} * 1024, std::size_t{1024} * 1024}) {
    weft::runtime rt({.workers = 1, .stack_size = size});
    rt.run([size] {
      const std::size_t enough = (size - guard) / 4 * 3;
      const std::size_t slack = 8 * 1024;  // a frame of the recursion, and what the join itself needs
      const void* child = nullptr;
      deep::join_with_less_than(enough, child);
      ASSERT_NE(child, nullptr);
      EXPECT_NE(child, stack_here());
      deep::join_with_less_than(enough + slack + 4096, child);
      EXPECT_EQ(child, stack_here());
    });
  }
}

// Only the join lies inside: the deadline must be able to end it, and a lender cannot be woken.
TEST(Borrow, ADeadlineAroundTheJoinAloneKeepsTheStack) {
  on_one_worker([] {
    const void* child = nullptr;
    weft::scope s;
    s.spawn([&] { child = stack_here(); });
    weft::with_timeout(1h, [&] { s.join(); });
    ASSERT_NE(child, nullptr);
    EXPECT_NE(child, stack_here());
  });
}

TEST(Borrow, AChildThatSuspendsGoesOnWhereItWas) {
  everywhere([] {
    weft::event first, second;
    weft::scope s;
    s.spawn([&] {
      const void* const here = stack_here();
      first.set();
      second.wait();
      EXPECT_EQ(stack_here(), here);
    });
    s.spawn([&] {
      const void* const here = stack_here();
      first.wait();
      this_fiber::yield();
      second.set();
      this_fiber::sleep_for(1us);
      EXPECT_EQ(stack_here(), here);
    });
    s.join();
  });
}

TEST(Borrow, FloatingPointModesStayWithTheirFiber) {
  everywhere([] {
    std::fesetround(FE_UPWARD);
    weft::scope s;
    for (const int mode : {FE_DOWNWARD, FE_TOWARDZERO}) {
      s.spawn([mode] {
        EXPECT_EQ(std::fegetround(), FE_TONEAREST);
        std::fesetround(mode);
        this_fiber::yield();
        EXPECT_EQ(std::fegetround(), mode);
      });
    }
    s.join();
    EXPECT_EQ(std::fegetround(), FE_UPWARD);
    std::fesetround(FE_TONEAREST);
  });
}

// A shield of the lender is none of the child's: what is stopped is the scope.
TEST(Borrow, AShieldOfTheLenderDoesNotCoverTheChild) {
  everywhere([] {
    bool stopped = false;
    weft::scope s;
    s.spawn([&] {
      try {
        this_fiber::sleep_for(24h);
      } catch (const weft::cancelled&) {
        stopped = true;
        throw;
      }
    });
    s.request_stop();
    {
      const weft::cancel_shield shield;
      s.join();
    }
    EXPECT_TRUE(stopped);
    this_fiber::check_stop();
  });
}

TEST(Borrow, AShieldOfTheChildDoesNotCoverTheLender) {
  everywhere([] {
    auto lender = weft::spawn([] {
      while (!this_fiber::get_stop_token().stop_requested()) this_fiber::yield();
      bool ended = false;
      {
        weft::scope s;
        s.spawn([&] {
          const weft::cancel_shield shield;
          this_fiber::sleep_for(1us);
          ended = true;
        });
        EXPECT_THROW(s.join(), weft::cancelled);
      }
      EXPECT_TRUE(ended);
      EXPECT_THROW(this_fiber::check_stop(), weft::cancelled);
    });
    lender.request_stop();
    lender.join();
  });
}

// A deadline inside of the child ends with the child.
TEST(Borrow, ADeadlineOfTheChildIsNoneOfTheLender) {
  everywhere([] {
    weft::scope s;
    s.spawn([] {
      EXPECT_THROW(weft::with_timeout(0s, [] { weft::event().wait(); }), weft::timed_out);
      this_fiber::check_stop();
    });
    s.join();
    this_fiber::check_stop();
  });
}

// It may have fired before the child begins: then that one is born stopped, and runs up to its wait all the same.
TEST(Borrow, ADeadlineAroundScopeAndLenderReachesTheChild) {
  everywhere([] {
    bool stopped = false;
    const auto wait = [&] {
      try {
        weft::event().wait();
      } catch (const weft::cancelled&) {
        stopped = true;
        throw;
      }
    };
    const auto join_a_waiting_child = [&] {
      weft::scope s;
      s.spawn(wait);
      s.join();
    };
    EXPECT_THROW(weft::with_timeout(1us, join_a_waiting_child), weft::timed_out);
    EXPECT_TRUE(stopped);
    this_fiber::check_stop();
  });
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  keep_frame(frame);
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

template <class Death>
void die_as_a_borrower(Death death) {
  weft::run({.workers = 1, .stack_size = 64 * 1024}, [death] {
    this_fiber::set_name("joiner");
    weft::scope outer;
    outer.spawn([death] {
      this_fiber::set_name("middle");
      weft::scope inner;
      inner.spawn([death] {
        this_fiber::set_name("borrower");
        death();
      });
      inner.join();
    });
    outer.join();
  });
}

TEST(Borrow, ReportsNameTheBorrowerAndItsLenders) {
  const auto child = run_in_child([] { die_as_a_borrower([] { std::terminate(); }); });
  EXPECT_TRUE(child.status != 0);
  const std::string& terminated = child.errors;
  EXPECT_NE(terminated.find("terminate in fiber 'borrower'"), std::string::npos) << terminated;
  EXPECT_NE(terminated.find("on the stack of 'middle' on the stack of 'joiner'"), std::string::npos) << terminated;
}

TEST(Borrow, OverflowReportsNameTheBorrowerAndItsLenders) {
  if (instrumented) GTEST_SKIP() << "sanitizers have handlers of their own";
  // A program of its own: in a fork of one whose reports are installed the default action is back in their place.
  weft::testing::use_safest_death_style();
  EXPECT_DEATH(die_as_a_borrower([] { recurse(0); }),
               "stack overflow in fiber 'borrower'.* on the stack of 'middle' on the stack of 'joiner'");
}

}  // namespace
