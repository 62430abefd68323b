// What a running fiber, or a plain thread, can ask of itself: names, ids, stack, no_suspend, errno.
#include <cerrno>         // errno
#include <chrono>         // durations
#include <csignal>        // SIGABRT
#include <functional>     // hash
#include <set>            // distinct ids
#include <sstream>        // printing
#include <string>         // names
#include <thread>         // plain threads
#include <unordered_set>  // distinct ids
#include <vector>         // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::everywhere;
using weft::testing::run_in_child;
namespace this_fiber = weft::this_fiber;

TEST(ThisFiber, HasANameCutTo31Bytes) {
  everywhere([] {
    const std::string long_name = "a-name-that-is-much-longer-than-31-bytes";
    weft::spawn(weft::fiber_options{.name = "short"}, [] { EXPECT_EQ(this_fiber::name(), "short"); }).join();
    weft::spawn([] { EXPECT_EQ(this_fiber::name(), ""); }).join();  // also after a named one on the same stack
    weft::spawn(weft::fiber_options{.name = long_name}, [&] {
      EXPECT_EQ(this_fiber::name(), std::string_view(long_name).substr(0, 31));
      this_fiber::set_name("renamed");
      EXPECT_EQ(this_fiber::name(), "renamed");
      this_fiber::set_name(long_name);
      EXPECT_EQ(this_fiber::name(), std::string_view(long_name).substr(0, 31));
      this_fiber::set_name("");
      EXPECT_EQ(this_fiber::name(), "");
    }).join();
    std::string temporary = "temporary";
    auto copied = weft::spawn(weft::fiber_options{.name = temporary}, [] { return std::string(this_fiber::name()); });
    temporary.assign(temporary.size(), '?');
    EXPECT_EQ(copied.join(), "temporary");
  });
}

TEST(ThisFiber, NamesOnAPlainThreadAreEmpty) {
  EXPECT_EQ(this_fiber::name(), "");
  this_fiber::set_name("ignored");
  EXPECT_EQ(this_fiber::name(), "");
  EXPECT_FALSE(this_fiber::is_fiber());
  this_fiber::yield();
  this_fiber::set_migration(weft::migration::free);
}

TEST(ThisFiber, IdsAreUniqueOverRecycling) {
  everywhere({.real = 200, .seeded = 20}, [](std::size_t count) {
    std::set<weft::fiber_id> ordered;
    std::unordered_set<weft::fiber_id> hashed;
    std::set<std::string> printed;
    for (std::size_t i = 0; i < count; ++i) {
      auto f = weft::spawn([] { return this_fiber::get_id(); });
      const auto id = f.get_id();
      EXPECT_EQ(f.join(), id);
      ordered.insert(id);
      hashed.insert(id);
      std::ostringstream out;
      out << std::hex << id << ' ' << 255;  // and the stream's format is left alone
      EXPECT_TRUE(out.str().starts_with("fiber#")) << out.str();
      EXPECT_TRUE(out.str().ends_with(" ff")) << out.str();
      printed.insert(out.str());
    }
    EXPECT_EQ(ordered.size(), count);
    EXPECT_EQ(hashed.size(), count);
    EXPECT_EQ(printed.size(), count);
  });
}

TEST(ThisFiber, IdsOfPlainThreadsDiffer) {
  const auto mine = this_fiber::get_id();
  EXPECT_NE(mine, weft::fiber_id{});
  EXPECT_EQ(mine, this_fiber::get_id());
  weft::fiber_id other;
  std::thread([&] { other = this_fiber::get_id(); }).join();
  EXPECT_NE(other, mine);
  std::ostringstream out;
  out << weft::fiber_id{};
  EXPECT_EQ(out.str(), "fiber#none");
}

[[gnu::noinline]] std::size_t remaining_below(volatile char* deeper, std::size_t bytes) {
  volatile char frame[4096];
  frame[0] = deeper == nullptr ? char{0} : deeper[0];
  return bytes <= sizeof frame ? this_fiber::stack_remaining() + static_cast<unsigned char>(frame[0])
                               : remaining_below(frame, bytes - sizeof frame) + static_cast<unsigned char>(frame[0]);
}

TEST(ThisFiber, KnowsHowMuchStackRemains) {
  weft::testing::with_real_workers([](weft::runtime& rt) {
    for (const std::size_t kib : {64U, 128U, 256U, 1024U}) {
      const std::size_t size = kib * 1024;
      rt.spawn(weft::fiber_options{.stack_size = size}, [size] {
          const std::size_t at_top = this_fiber::stack_remaining();
          EXPECT_LT(at_top, size);
          EXPECT_GT(at_top, size / 2);
          const std::size_t deeper = remaining_below(nullptr, 16 * 1024);
          EXPECT_LE(deeper, at_top - 16 * 1024);
          EXPECT_GT(deeper + 64 * 1024, at_top);
        }).join();
    }
  });
  EXPECT_GT(this_fiber::stack_remaining(), 16U * 1024);  // a plain thread's own
}

// A thread-local value belongs to the worker: errno may change over any suspension. This is the documented price; the
// address itself never goes stale (see tests/fiber/thread_affinity_test.cpp).
TEST(ThisFiber, ErrnoIsSharedByTheFibersOfAWorker) {
  weft::run(weft::runtime_options{.workers = 1}, [] {
    errno = 0;
    auto other = weft::spawn([] { errno = ERANGE; });
    other.join();
    EXPECT_EQ(errno, ERANGE);
  });
}

TEST(NoSuspend, ASuspensionInsideAbortsWithTheFibersName) {
  const auto in_child = [](auto action) {
    return run_in_child([&] {
      weft::run(weft::runtime_options{.workers = 1}, [&] {
        weft::spawn(weft::fiber_options{.name = "holder"}, [&] {
          const weft::no_suspend section;
          action();
        }).join();
      });
    });
  };
  const auto sleeping = in_child([] { this_fiber::sleep_for(1ms); });
  EXPECT_TRUE(sleeping.killed_by(SIGABRT));
  EXPECT_NE(sleeping.errors.find("suspension in a no_suspend section: waiting for sleep"), std::string::npos)
      << sleeping.errors;
  EXPECT_NE(sleeping.errors.find("holder"), std::string::npos) << sleeping.errors;
  const auto yielding = in_child([] { this_fiber::yield(); });
  EXPECT_TRUE(yielding.killed_by(SIGABRT));
  EXPECT_NE(yielding.errors.find("holder"), std::string::npos) << yielding.errors;
  const auto joining = in_child([] { weft::spawn([] {}).join(); });
  EXPECT_TRUE(joining.killed_by(SIGABRT));
  EXPECT_NE(joining.errors.find("waiting for join"), std::string::npos) << joining.errors;
}

TEST(NoSuspend, EndsWithItsScopeAndBelongsToItsFiber) {
  everywhere([] {
    auto other = weft::spawn([] { this_fiber::sleep_for(1ms); });
    {
      const weft::no_suspend outer;
      const weft::no_suspend inner;
      this_fiber::check_stop();
      EXPECT_TRUE(this_fiber::is_fiber());
    }
    this_fiber::yield();
    other.join();
  });
  const weft::no_suspend on_a_plain_thread;  // no effect
  this_fiber::sleep_for(1us);
}

}  // namespace
