// A crash names its fiber: overflows of every kind, and what is not an overflow passes through untouched.
#include <csignal>    // raise, sigaction
#include <cstdlib>    // setenv
#include <exception>  // set_terminate
#include <stdexcept>  // runtime_error
#include <unistd.h>   // write, getpid, _exit

#include <gtest/gtest.h>
#include <weft/weft.hpp>

#include "support/death_style.hpp"
#include "support/instrumented.hpp"
#include "support/keep_frame.hpp"

namespace {

weft::runtime_options small_stacks() {
  weft::runtime_options options;
  options.workers = 1;
  options.stack_size = 64 * 1024;
  return options;
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  weft::testing::keep_frame(frame);
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

// One frame larger than the stack: touched at its lowest address first.
[[gnu::noinline]] int large_frame() {
  volatile char frame[56 * 1024];
  weft::testing::keep_frame(frame);
  frame[0] = 1;
  return frame[0];
}

template <class F>
void run_named(F f) {
  weft::run(small_stacks(), [f] { weft::spawn({.name = "deep one"}, f).join(); });
}

struct overflows_while_unwinding {
  ~overflows_while_unwinding() { recurse(0); }
};

class CrashReports : public testing::Test {
 protected:
  void SetUp() override { weft::testing::use_safest_death_style(); }
};

constexpr char overflow_report[] = "stack overflow in fiber 'deep one'";

TEST_F(CrashReports, RecursionIsReportedWithTheFibersName) {
  EXPECT_DEATH(run_named([] { recurse(0); }), overflow_report);
}

TEST_F(CrashReports, LargeFrameIsReported) {
  EXPECT_DEATH(run_named([] { large_frame(); }), overflow_report);
}

TEST_F(CrashReports, OverflowInADestructorDuringUnwindingIsReported) {
  EXPECT_DEATH(run_named([] {
                 const overflows_while_unwinding late;
                 throw std::runtime_error("starts the unwinding");
               }),
               overflow_report);
}

TEST_F(CrashReports, OverflowInACatchBlockIsReported) {
  EXPECT_DEATH(run_named([] {
                 try {
                   throw std::runtime_error("caught");
                 } catch (const std::runtime_error&) {
                   recurse(0);
                 }
               }),
               overflow_report);
}

TEST_F(CrashReports, ReportSaysWhatToDo) {
  EXPECT_DEATH(run_named([] { recurse(0); }), "WEFT_STACK_SIZE");
}

TEST_F(CrashReports, EarlierHandlerGetsOtherFaults) {
  EXPECT_EXIT(
      {
        struct sigaction action = {};
        action.sa_handler = [](int) {
          [[maybe_unused]] const auto n = ::write(2, "the earlier handler\n", 20);
          ::_exit(7);
        };
        ::sigaction(SIGSEGV, &action, nullptr);
        run_named([] { ::raise(SIGSEGV); });
      },
      testing::ExitedWithCode(7), "^the earlier handler");
}

// Reported or not, the program dies of the signal, as its parent expects.
TEST_F(CrashReports, TheProgramDiesOfTheSignal) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers have handlers of their own";
  const auto killed = testing::KilledBySignal(SIGSEGV);
  EXPECT_EXIT(
      run_named([] { recurse(0); }), killed,
      "'deep one' \\(fiber#[0-9a-f]+\\.[0-9]+, spawned at .*\n *stack 0x[0-9a-f]+ to 0x[0-9a-f]+ \\([0-9]+ KiB");
  EXPECT_EXIT(run_named([] {
                volatile int* volatile nowhere = nullptr;
                *nowhere = 1;
              }),
              killed, weft::testing::nothing_said);
}

TEST_F(CrashReports, ASignalThatWasSentIsNotSwallowed) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers have handlers of their own";
  EXPECT_EXIT(run_named([] { ::raise(SIGSEGV); }), testing::KilledBySignal(SIGSEGV), weft::testing::nothing_said);
  EXPECT_EXIT(run_named([] { ::kill(::getpid(), SIGBUS); }), testing::KilledBySignal(SIGBUS), weft::testing::nothing_said);
}

TEST_F(CrashReports, ASignalThatWasIgnoredIsIgnoredWhenSent) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers have handlers of their own";
  EXPECT_EXIT(
      {
        ::signal(SIGSEGV, SIG_IGN);
        run_named([] { ::raise(SIGSEGV); });
        ::_exit(3);
      },
      testing::ExitedWithCode(3), weft::testing::nothing_said);
}

TEST_F(CrashReports, TheEnvironmentLeavesThemOut) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers have handlers of their own";
  EXPECT_EXIT(
      {
        ::setenv("WEFT_CRASH_REPORTS", "0", 1);
        run_named([] { recurse(0); });
      },
      testing::KilledBySignal(SIGSEGV), weft::testing::nothing_said);
  EXPECT_EXIT(
      {
        ::setenv("WEFT_CRASH_REPORTS", "0", 1);
        std::set_terminate([] { ::_exit(4); });
        run_named([] { std::terminate(); });
      },
      testing::ExitedWithCode(4), weft::testing::nothing_said);
  EXPECT_DEATH(
      {
        ::setenv("WEFT_CRASH_REPORTS", "1", 1);
        run_named([] { recurse(0); });
      },
      overflow_report);
}

TEST_F(CrashReports, TerminateNamesTheRunningFiber) {
  EXPECT_DEATH(run_named([] { std::terminate(); }), "weft: terminate in fiber 'deep one'");
}

TEST_F(CrashReports, DetachedFailureNamesItsFiber) {
  EXPECT_DEATH(
      weft::run(small_stacks(),
                [] {
                  weft::spawn({.name = "alone"}, [] { throw std::runtime_error("nobody catches this"); }).detach();
                  for (;;) weft::this_fiber::yield();
                }),
      "weft: terminate in fiber 'alone'");
}

TEST_F(CrashReports, BrokenContractNamesTheRunningFiber) {
  EXPECT_DEATH(run_named([] {
                 const weft::no_suspend section;
                 weft::this_fiber::yield();
               }),
               "no_suspend section.*in fiber 'deep one'");
}

}  // namespace
