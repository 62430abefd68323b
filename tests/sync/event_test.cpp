// The event: semantics of set, reset and each way a wait can end.
#include <chrono>  // durations
#include <vector>  // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

TEST(Event, IsEightBytes) { EXPECT_EQ(sizeof(weft::event), 8U); }

TEST(Event, SetStaysSetUntilReset) {
  everywhere([] {
    weft::event e;
    EXPECT_FALSE(e.is_set());
    e.set();
    e.set();
    EXPECT_TRUE(e.is_set());
    e.wait();
    e.wait();
    EXPECT_TRUE(e.wait_for(0s));
    e.reset();
    e.reset();
    EXPECT_FALSE(e.is_set());
    EXPECT_FALSE(e.wait_for(0s));
    e.set();
    e.wait();
  });
}

TEST(Event, SetWakesAllWaitersAndShowsThemWhatCameBefore) {
  everywhere([] {
    weft::event e;
    int written = 0;  // unprotected: set() orders it
    std::vector<weft::fiber<int>> waiters;
    for (int i = 0; i < 20; ++i) {
      waiters.push_back(weft::spawn([&] {
        e.wait();
        return written;
      }));
      if (i % 3 == 0) yield();
    }
    written = 42;
    e.set();
    for (auto& w : waiters) EXPECT_EQ(w.join(), 42);
  });
}

TEST(Event, ResetAfterSetDoesNotTakeBackTheWakeUp) {
  under_seeds([](test_runtime& rt) {
    weft::event e;
    int through = 0;
    std::vector<weft::fiber<>> waiters;
    for (int i = 0; i < 5; ++i) {
      waiters.push_back(rt.spawn("waiter", [&] {
        e.wait();
        ++through;
      }));
    }
    rt.run_until_idle();
    ASSERT_EQ(rt.parked_count(), 5U);
    e.set();
    e.reset();
    rt.run_until_idle();
    EXPECT_EQ(through, 5);
    EXPECT_FALSE(e.is_set());
    for (auto& w : waiters) w.join();
  });
}

TEST(Event, TimedOutWaitRemovesItsWaiter) {
  under_seeds([](test_runtime& rt) {
    weft::event e;
    auto late = rt.spawn("late", [&] { return e.wait_until(rt.now() + 5ms); });
    auto patient = rt.spawn("patient", [&] { return e.wait_for(1h); });
    auto later = rt.spawn("later", [&] { return e.wait_for(6ms); });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 3U);
    rt.advance(4ms);
    EXPECT_EQ(rt.parked_count(), 3U);  // never early
    rt.advance(2ms);
    EXPECT_FALSE(late.join());
    EXPECT_FALSE(later.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    e.set();
    EXPECT_TRUE(patient.join());
    EXPECT_TRUE(e.wait_until(rt.now()));
  });
}

TEST(Event, SetAtTheDeadlineIsSeenOrTimesOutButNeverHangs) {
  under_seeds([](test_runtime& rt) {
    weft::event e;
    auto waiter = rt.spawn("waiter", [&] { return e.wait_for(1ms); });
    auto setter = rt.spawn("setter", [&] {
      weft::this_fiber::sleep_for(1ms);
      e.set();
      return true;
    });
    rt.advance(2ms);
    static_cast<void>(waiter.join());  // either is right
    EXPECT_TRUE(setter.join());
    EXPECT_TRUE(e.is_set());
  });
}

TEST(Event, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    weft::event e;
    const auto until = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(e.wait_until(until));
    EXPECT_GE(std::chrono::system_clock::now(), until);
    EXPECT_FALSE(e.wait_until(std::chrono::system_clock::now() - 1h));
  });
}

TEST(Event, AStopEndsTheWaitAndLeavesNoTrace) {
  under_seeds([](test_runtime& rt) {
    weft::event e;
    auto stopped = rt.spawn("stopped", [&] { e.wait(); });
    auto patient = rt.spawn("patient", [&] { e.wait(); });
    auto stopped_too = rt.spawn("stopped too", [&] { static_cast<void>(e.wait_for(1h)); });
    rt.run_until_idle();
    stopped.request_stop();
    stopped_too.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_THROW(stopped_too.join(), weft::cancelled);
    EXPECT_EQ(rt.parked_count(), 1U);
    e.set();
    patient.join();
  });
}

TEST(Event, AStoppedFiberWaitsForNothingButPassesWhatIsSet) {
  everywhere([] {
    weft::event closed;
    weft::event open;
    open.set();
    weft::event go;
    auto f = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        go.wait();
      }
      open.wait();  // no need to wait: no cancellation point
      closed.wait();
    });
    f.request_stop();
    go.set();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Event, AShieldKeepsTheWaitGoing) {
  under_seeds([](test_runtime& rt) {
    weft::event e;
    bool came_back = false;
    auto f = rt.spawn("shielded", [&] {
      const weft::cancel_shield shield;
      e.wait();
      came_back = true;
      EXPECT_FALSE(weft::event().wait_for(1ms));
    });
    rt.run_until_idle();
    f.request_stop();
    rt.run_until_idle();
    EXPECT_FALSE(came_back);
    e.set();
    f.join();
    EXPECT_TRUE(came_back);
  });
}

// Starvation: none of these loops suspends by itself, and all run on the only worker.
TEST(Event, APollingLoopLetsTheSetterRun) {
  weft::run({.workers = 1}, [] {
    weft::event e;
    auto setter = weft::spawn([&] { e.set(); });
    while (!e.wait_for(0s)) {
    }
    setter.join();
  });
}

TEST(Event, ALoopOverASetEventLetsOthersRun) {
  weft::run({.workers = 1}, [] {
    weft::event e;
    e.set();
    bool others_ran = false;
    auto other = weft::spawn([&] { others_ran = true; });
    for (int i = 0; i < 10'000 && !others_ran; ++i) e.wait();
    EXPECT_TRUE(others_ran);
    other.join();
  });
}

TEST(Event, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    auto* e = new weft::event;
    auto f = rt.spawn("waiter", [e] { e->wait(); });
    rt.run_until_idle();
    delete e;
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("event is destroyed while somebody waits"), std::string::npos) << result.errors;
}

}  // namespace
