// The join handle's other ends: destructor, move assignment, detach; and handles that outlive their runtime.
#include <chrono>    // durations
#include <memory>    // optional runtime
#include <optional>  // optional
#include <string>    // values

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::everywhere;
using weft::testing::with_real_workers;

struct on_exit {
  std::atomic<int>* count;
  ~on_exit() { ++*count; }
};

TEST(Handle, DestructorStopsAndJoins) {
  everywhere([] {
    std::atomic<int> unwound{0};
    {
      auto f = weft::spawn([&] {
        const on_exit guard{&unwound};
        weft::this_fiber::sleep_for(1000h);
        ADD_FAILURE() << "slept on after the stop";
      });
      weft::this_fiber::yield();
    }
    EXPECT_EQ(unwound.load(), 1);
  });
}

TEST(Handle, MoveAssignmentStopsAndJoinsWhatItHeld) {
  everywhere([] {
    std::atomic<int> unwound{0};
    auto f = weft::spawn([&]() -> int {
      const on_exit guard{&unwound};
      weft::this_fiber::sleep_for(1000h);
      return 1;
    });
    f = weft::spawn([] { return 2; });
    EXPECT_EQ(unwound.load(), 1);
    auto& same = f;
    f = std::move(same);  // to itself: nothing happens
    EXPECT_EQ(f.join(), 2);
    f = weft::fiber<int>();
    EXPECT_FALSE(f.joinable());
  });
}

TEST(Handle, SwapsAndMoves) {
  everywhere([] {
    auto a = weft::spawn([] { return 1; });
    auto b = weft::spawn([] { return 2; });
    const auto id_of_a = a.get_id();
    a.swap(b);
    EXPECT_EQ(b.get_id(), id_of_a);
    EXPECT_EQ(a.join(), 2);
    EXPECT_EQ(b.join(), 1);
  });
}

TEST(Handle, DetachedFibersRunOn) {
  everywhere([] {
    std::atomic<bool> done{false};
    auto f = weft::spawn([&] {
      weft::this_fiber::sleep_for(1ms);
      done = true;
    });
    f.detach();
    EXPECT_FALSE(f.joinable());
    while (!done) weft::this_fiber::sleep_for(1ms);
  });
}

TEST(Handle, DetachAtAnyMomentFreesTheResultOnce) {
  std::atomic<int> destroyed{0};
  std::atomic<int> made{0};
  struct result {
    std::atomic<int>* count;
    explicit result(std::atomic<int>& m, std::atomic<int>& d) : count(&d) { ++m; }
    result(result&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    ~result() {
      if (count != nullptr) ++*count;
    }
  };
  everywhere([&] {
    for (int pause = 0; pause < 6; ++pause) {
      std::atomic<bool> ended{false};
      struct at_end {
        std::atomic<bool>* flag;
        ~at_end() { *flag = true; }
      };
      auto f = weft::spawn([&] {
        const at_end mark{&ended};
        weft::this_fiber::yield();
        return result(made, destroyed);
      });
      for (int i = 0; i < pause; ++i) weft::this_fiber::yield();
      f.detach();
      while (!ended) weft::this_fiber::sleep_for(10us);
    }
  });
  EXPECT_EQ(made.load(), destroyed.load());
}

TEST(Handle, OutlivesItsRuntime) {
  weft::fiber<std::string> ended;
  weft::fiber<> cancelled;
  weft::fiber<> failed;
  weft::fiber<std::string> dropped;
  {
    weft::runtime rt(weft::runtime_options{.workers = 2});
    ended = rt.spawn([] { return std::string(50, 'e'); });
    dropped = rt.spawn([] { return std::string(50, 'd'); });
    cancelled = rt.spawn([] { weft::this_fiber::sleep_for(1000h); });
    failed = rt.spawn([] { throw std::runtime_error("kept"); });
    EXPECT_TRUE(failed.join_for(1h));
    EXPECT_TRUE(ended.join_for(1h));
  }
  EXPECT_TRUE(cancelled.join_for(0ms));
  EXPECT_NE(ended.get_id(), cancelled.get_id());
  EXPECT_FALSE(ended.get_stop_token() == weft::stop_token{});
  EXPECT_EQ(ended.join(), std::string(50, 'e'));
  EXPECT_THROW(cancelled.join(), weft::cancelled);
  EXPECT_THROW(failed.join(), std::runtime_error);
  cancelled.request_stop();
}

TEST(Handle, CanBeJoinedFromAnotherRuntimeAndFromAThread) {
  with_real_workers([](weft::runtime& rt) {
    weft::runtime other(weft::runtime_options{.workers = 2});
    for (int i = 0; i < 50; ++i) {
      auto theirs = other.spawn([i] {
        if (i % 2 == 0) weft::this_fiber::sleep_for(10us);
        return i;
      });
      EXPECT_EQ(rt.run([&] { return theirs.join(); }), i);
      auto waits = rt.spawn([&other, i] { return other.run([i] { return i + 1; }); });
      EXPECT_EQ(waits.join(), i + 1);
    }
  });
}

// A fiber owns the handle of another and passes it on: whoever holds it joins.
TEST(Handle, PassesFromFiberToFiber) {
  everywhere([] {
    auto first = weft::spawn([] {
      weft::this_fiber::yield();
      return 1;
    });
    auto second = weft::spawn([f = std::move(first)]() mutable { return f.join() + 1; });
    auto third = weft::spawn([f = std::move(second)]() mutable { return f.join() + 1; });
    EXPECT_EQ(third.join(), 3);
  });
}

}  // namespace
