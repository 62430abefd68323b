// What becomes of the others, parked and running, when the process ends: the table in docs/guide/fibers.md.
#include <csignal>  // SIGABRT
#include <cstdlib>  // exit, quick_exit, abort, atexit
#include <string>   // what the child wrote
#include <sys/wait.h>
#include <unistd.h>  // write, alarm

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"

namespace {

using weft::testing::child_result;
using weft::testing::run_in_child;

void say(const char* text) {
  [[maybe_unused]] const auto wrote = ::write(STDERR_FILENO, text, std::char_traits<char>::length(text));
}

bool said(const child_result& child, const char* text) { return child.errors.find(text) != std::string::npos; }

bool ended_with(const child_result& child, int code) {
  return WIFEXITED(child.status) && WEXITSTATUS(child.status) == code;
}

struct talkative {
  ~talkative() { say("destroyed\n"); }
};

// A hundred fibers parked for good on two workers, and one more for which a worker computes.
void fill(weft::runtime& rt, weft::event& never) {
  for (int i = 0; i < 100; ++i) {
    weft::event parked;
    rt.spawn([&never, &parked] {
        const talkative local;
        parked.set();
        never.wait();
      }).detach();
    parked.wait();
  }
  rt.spawn([] {
      const auto stop = weft::this_fiber::get_stop_token();
      while (!stop.stop_requested()) weft::this_fiber::yield();
    }).detach();
}

// Ends the process by `end`, called in a fiber of a runtime full of others.
template <class End>
child_result end_in_a_fiber(End end) {
  return run_in_child([end] {
    ::alarm(60);  // should it hang
    std::atexit([] { say("at exit\n"); });
    std::at_quick_exit([] { say("at quick exit\n"); });
    weft::event never;
    weft::runtime rt({.workers = 2});
    fill(rt, never);
    rt.run([end] { end(); });
    say("still there\n");
  });
}

TEST(ProcessEnd, ExitInAFiberRunsTheHandlersAndLeavesTheOthersAsTheyAre) {
  const child_result child = end_in_a_fiber([] { std::exit(3); });
  EXPECT_TRUE(ended_with(child, 3)) << child.status << '\n' << child.errors;
  EXPECT_TRUE(said(child, "at exit\n")) << child.errors;
  EXPECT_FALSE(said(child, "destroyed") || said(child, "still there")) << child.errors;
}

TEST(ProcessEnd, QuickExitInAFiberRunsItsOwnHandlersOnly) {
  const child_result child = end_in_a_fiber([] { std::quick_exit(4); });
  EXPECT_TRUE(ended_with(child, 4)) << child.status << '\n' << child.errors;
  EXPECT_EQ(child.errors, "at quick exit\n");
}

TEST(ProcessEnd, AbortInAFiberKillsTheProcess) {
  const child_result child = end_in_a_fiber([] { std::abort(); });
  EXPECT_TRUE(child.killed_by(SIGABRT)) << child.status << '\n' << child.errors;
  EXPECT_FALSE(said(child, "at exit") || said(child, "destroyed")) << child.errors;
}

// To return from main is to call exit() on its thread: a runtime that is static ends there, as any other does.
TEST(ProcessEnd, AStaticRuntimeEndsItsFibersWhenMainReturns) {
  const child_result child = run_in_child([] {
    ::alarm(60);
    static weft::event never;
    static weft::runtime rt({.workers = 2});
    fill(rt, never);
    std::exit(0);
  });
  EXPECT_TRUE(ended_with(child, 0)) << child.status << '\n' << child.errors;
  std::size_t destroyed = 0;
  for (std::size_t at = 0; (at = child.errors.find("destroyed", at)) != std::string::npos; ++at) ++destroyed;
  EXPECT_EQ(destroyed, 100U) << child.errors;
}

// It would wait for the very fiber that waits for it.
TEST(ProcessEnd, ExitInAFiberOfAStaticRuntimeIsReported) {
  const child_result child = run_in_child([] {
    ::alarm(60);
    static weft::runtime rt({.workers = 2});
    rt.run([] { std::exit(0); });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT)) << child.status << '\n' << child.errors;
  EXPECT_TRUE(said(child, "a runtime cannot be destroyed by one of its own fibers")) << child.errors;
}

}  // namespace
