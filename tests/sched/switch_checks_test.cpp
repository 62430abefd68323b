// With debug checks, a fiber that is resumed twice, or while it runs, ends the program with its name.
#include <gtest/gtest.h>

#include <weft/base/debug_checks.hpp>
#include <weft/weft.hpp>

#include "sched/worker.hpp"  // the ready queue, to break it
#include "support/child.hpp"
#include "support/test_runtime.hpp"

namespace {

using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

weft::detail::fiber_record& running_record() { return *weft::detail::current_worker()->current; }
void make_ready(weft::detail::fiber_record& r) { weft::detail::current_worker()->ready.push(r); }

// body(test_runtime&) in a child, with debug checks on.
template <class Body>
child_result with_checks(Body body) {
  return run_in_child([&] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    test_runtime rt(1);
    body(rt);
  });
}

bool says(const child_result& child, const char* text) { return child.errors.find(text) != std::string::npos; }

TEST(SwitchChecks, AFiberMadeReadyThoughNothingEndedItsWaitAborts) {
  const auto child = with_checks([](test_runtime& rt) {
    weft::detail::fiber_record* record = nullptr;
    weft::event never;
    auto victim = rt.spawn("victim", [&] {
      record = &running_record();
      never.wait();
    });
    rt.run_until_idle();
    auto culprit = rt.spawn("culprit", [&] {
      make_ready(*record);
      this_fiber::yield();
    });
    rt.run_until_idle();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_TRUE(says(child, "fiber 'victim' is resumed twice: nothing has ended its wait (event) yet")) << child.errors;
}

// The first resumption is right, the second finds the next wait.
TEST(SwitchChecks, AFiberMadeReadyTwiceAborts) {
  const auto child = with_checks([](test_runtime& rt) {
    weft::detail::fiber_record* record = nullptr;
    weft::event first, second;
    auto victim = rt.spawn("victim", [&] {
      record = &running_record();
      first.wait();
      second.wait();
    });
    rt.run_until_idle();
    auto culprit = rt.spawn("culprit", [&] {
      first.set();
      make_ready(*record);
    });
    rt.run_until_idle();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_TRUE(says(child, "fiber 'victim' is resumed twice: nothing has ended its wait (event) yet")) << child.errors;
}

TEST(SwitchChecks, AFiberResumedByItselfWhileItRunsAborts) {
  const auto child = with_checks([](test_runtime& rt) {
    auto victim = rt.spawn("victim", [] {
      make_ready(running_record());
      this_fiber::yield();
    });
    rt.run_until_idle();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_TRUE(says(child, "fiber 'victim' is resumed while it runs")) << child.errors;
}

TEST(SwitchChecks, AWaitThatGoesOnAtOnceThoughNothingEndedItAborts) {
  const auto child = with_checks([](test_runtime& rt) {
    auto victim = rt.spawn("victim", [] {
      make_ready(running_record());
      weft::event().wait();
    });
    rt.run_until_idle();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_TRUE(says(child, "fiber 'victim' is resumed twice: nothing has ended its wait (event) yet")) << child.errors;
}

// It runs, in a way: a child is on its stack.
TEST(SwitchChecks, AFiberThatLendsItsStackCountsAsRunning) {
  const auto child = with_checks([](test_runtime& rt) {
    auto lender = rt.spawn("lender", [] {
      weft::detail::fiber_record& mine = running_record();
      weft::scope s;
      s.spawn([&mine] {
        make_ready(mine);
        weft::event().wait();
      });
      s.join();
    });
    rt.run_until_idle();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_TRUE(says(child, "fiber 'lender' is resumed ")) << child.errors;
}

TEST(SwitchChecks, WhatIsRightPasses) {
  const auto child = run_in_child([] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      test_runtime rt({.seed = seed, .workers = 2});
      rt.run([] {
        weft::event go;
        weft::channel<int> numbers(2);
        weft::scope s;
        for (int i = 0; i < 10; ++i) {
          s.spawn([&, i] {
            go.wait();
            this_fiber::yield();
            numbers.send(i);
            this_fiber::sleep_for(std::chrono::milliseconds(i));
          });
        }
        s.spawn([&] {
          int sum = 0;
          for (int i = 0; i < 10; ++i) sum += numbers.receive().value();
          EXPECT_EQ(sum, 45);
        });
        go.set();
        s.join();
        weft::parallel_for(0, 200, [](int) { this_fiber::yield(); });
      });
    }
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

}  // namespace
