// Failures nobody asks for are told, with the fiber's name: on standard error, or by ending the program.
#include <chrono>      // durations
#include <csignal>     // SIGABRT
#include <dlfcn.h>     // dladdr
#include <exception>   // set_terminate
#include <execinfo.h>  // backtrace
#include <stdexcept>   // exceptions
#include <string>      // messages
#include <unistd.h>    // _exit, write

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::run_in_child;

[[gnu::noinline]] void throw_from_here() { throw std::runtime_error("from the depths"); }

// What `main` as a fiber writes to standard error.
template <class Main>
std::string errors_of(Main main) {
  const auto child = run_in_child([&] { weft::run(weft::runtime_options{.workers = 2}, main); });
  EXPECT_TRUE(child.passed()) << child.errors;
  return child.errors;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Failure, UnjoinedIsReportedWithTheFibersName) {
  const std::string said = errors_of([] {
    auto f = weft::spawn(weft::fiber_options{.name = "careless"}, [] { throw std::runtime_error("lost value"); });
    while (!f.join_for(1ms)) {
    }
  });
  EXPECT_TRUE(has(said, "weft: fiber 'careless' ended with an exception that nobody joined: lost value\n")) << said;
}

TEST(Failure, UnjoinedOfAnotherTypeIsReportedWithItsType) {
  const std::string said = errors_of([] {
    auto f = weft::spawn([] {
      weft::this_fiber::set_name("odd one");
      throw std::pair<int, int>(1, 2);
    });
    while (!f.join_for(1ms)) {
    }
    auto unnamed = weft::spawn([] { throw 1; });
    while (!unnamed.join_for(1ms)) {
    }
  });
  EXPECT_TRUE(
      has(said, "fiber 'odd one' ended with an exception that nobody joined: an exception of type std::pair<int, int>"))
      << said;
  EXPECT_TRUE(has(said, "fiber '(unnamed)' ended with an exception that nobody joined: an exception of type int"))
      << said;
}

TEST(Failure, ThatReplacesACancellationIsReportedToo) {
  const std::string said = errors_of([] {
    auto f = weft::spawn(weft::fiber_options{.name = "stubborn"}, [] {
      try {
        weft::this_fiber::sleep_for(1h);
      } catch (const weft::cancelled&) {
        throw std::runtime_error("while stopping");
      }
    });
  });
  EXPECT_TRUE(has(said, "'stubborn'")) << said;
  EXPECT_TRUE(has(said, "while stopping")) << said;
}

TEST(Failure, CancellationAndJoinedFailuresAreNotReported) {
  const std::string said = errors_of([] {
    {
      auto stopped = weft::spawn([] { weft::this_fiber::sleep_for(1h); });
    }
    auto failed = weft::spawn([] { throw 1; });
    try {
      failed.join();
    } catch (int) {
    }
    weft::spawn([] { weft::this_fiber::sleep_for(1h); }).detach();
  });
  EXPECT_EQ(said, "");
}

TEST(Failure, OfADetachedFiberTerminates) {
  for (const bool before_start : {true, false}) {
    const auto child = run_in_child([before_start] {
      weft::run(weft::runtime_options{.workers = 1}, [before_start] {
        auto f = weft::spawn(weft::fiber_options{.name = "gone"}, [] {
          weft::this_fiber::yield();
          weft::this_fiber::yield();
          throw_from_here();
        });
        if (!before_start) weft::this_fiber::yield();
        f.detach();
        weft::this_fiber::sleep_for(10s);
      });
    });
    EXPECT_TRUE(child.killed_by(SIGABRT)) << child.status;
    EXPECT_TRUE(has(child.errors, "from the depths")) << child.errors;
    EXPECT_TRUE(has(child.errors, "gone")) << before_start << child.errors;
  }
}

#if defined(__arm__)
constexpr bool can_walk_over_terminate = false;  // code that throws nothing has no unwind tables there
#else
constexpr bool can_walk_over_terminate = true;
#endif

// At terminate() the frames of the thrower are still there, for a core file to show.
TEST(Failure, OfADetachedFiberLeavesTheThrowersFrame) {
  if (!can_walk_over_terminate) GTEST_SKIP() << "backtrace() ends at std::terminate, whatever lies below";
  const auto child = run_in_child([] {
    std::set_terminate([] {
      void* frames[64];
      const int n = ::backtrace(frames, 64);
      const auto from = reinterpret_cast<std::uintptr_t>(&throw_from_here);
      for (int i = 0; i < n; ++i) {
        const auto at = reinterpret_cast<std::uintptr_t>(frames[i]);
        if (at > from && at < from + 512) ::_exit(42);
      }
      ::_exit(43);
    });
    weft::run(weft::runtime_options{.workers = 1}, [] {
      weft::spawn([] {
        const std::string has_a_destructor(100, 'x');  // unwinding would run it on top of the thrower's frame
        throw_from_here();
      }).detach();
      weft::this_fiber::sleep_for(10s);
    });
  });
  EXPECT_TRUE(WIFEXITED(child.status)) << child.errors;
  EXPECT_EQ(WEXITSTATUS(child.status), 42) << child.errors;
}

TEST(Failure, DetachedAfterAFailureTerminates) {
  const auto child = run_in_child([] {
    weft::run(weft::runtime_options{.workers = 1}, [] {
      auto f = weft::spawn(weft::fiber_options{.name = "late"}, [] { throw std::runtime_error("early"); });
      while (!f.join_for(1ms)) {
      }
      f.detach();
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT)) << child.status;
  EXPECT_TRUE(has(child.errors, "'late'")) << child.errors;
  EXPECT_TRUE(has(child.errors, "early")) << child.errors;
}

TEST(Failure, OfACancelledDetachedFiberIsQuiet) {
  const std::string said = errors_of([] {
    weft::spawn([] { throw weft::cancelled{}; }).detach();
    weft::this_fiber::sleep_for(2ms);
  });
  EXPECT_EQ(said, "");
}

}  // namespace
