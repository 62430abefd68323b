// Memory for timers runs out: then a fiber starts later. One that runs can always wait with a deadline, and no
// notification is lost to a timer that could not be had.
#include <atomic>  // the shortage
#include <cerrno>  // ENOMEM
#include <chrono>  // durations
#include <mutex>   // unique_lock
#include <new>     // bad_alloc
#include <vector>  // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/mutex.hpp>

#include "sched/timers.hpp"
#include "stack/os.hpp"
#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::os_calls;
using weft::detail::real_os;
using weft::detail::set_os_for_tests;
using weft::detail::timer_heap;
using weft::testing::expect_in_child;
using weft::testing::test_runtime;
namespace this_fiber = weft::this_fiber;

std::atomic<bool> shortage{false};
std::atomic<int> refused{0};

// Timers grow by these two; stacks come from slabs that are mapped already.
os_calls without_memory() {
  os_calls calls = real_os;
  calls.map = [](std::size_t bytes, int protection, void*& out) noexcept {
    return shortage ? ++refused, ENOMEM : real_os.map(bytes, protection, out);
  };
  calls.remap = [](void* at, std::size_t bytes, std::size_t larger, void*& out) noexcept {
    return shortage ? ++refused, ENOMEM : real_os.remap(at, bytes, larger, out);
  };
  return calls;
}

constexpr unsigned first_room = 64;  // fibers that the first reservation of a worker is for

// Worker blocks are kept with the room they have: in a child process, leaves a new one on top of the pool.
void forget_used_workers() {
  weft::detail::worker* w = nullptr;
  do w = &weft::detail::acquire_worker();
  while (w->ready.capacity() != 0);
  weft::detail::release_worker(*w);
}

TEST(TimerRoom, AHeapThatCannotGrowIsAsItWas) {
  const os_calls calls = without_memory();
  timer_heap heap;
  ASSERT_TRUE(heap.reserve(10));
  weft::detail::parker p;
  p.word.store(weft::detail::parker::armed);
  const auto at = std::chrono::steady_clock::time_point{} + 1s;
  heap.add(at, p, 0);
  set_os_for_tests(&calls);
  shortage = true;
  EXPECT_FALSE(heap.reserve(100'000));
  EXPECT_TRUE(heap.reserve(10));
  EXPECT_EQ(heap.next_deadline(), at);
  shortage = false;
  EXPECT_TRUE(heap.reserve(100'000));
  EXPECT_EQ(heap.next_deadline(), at);
  timer_heap::entry e{};
  EXPECT_TRUE(heap.pop_due(at, e));
  EXPECT_EQ(e.who, &p);
  set_os_for_tests(nullptr);
}

TEST(TimerRoom, AFiberStartsWhenThereIsRoomForItsTimer) {
  expect_in_child([] {
    const os_calls calls = without_memory();
    forget_used_workers();
    set_os_for_tests(&calls);
    test_runtime rt(1);
    std::vector<weft::fiber<>> all;
    unsigned started = 0;
    const auto sleeper = [&started] {
      ++started;
      this_fiber::sleep_for(1s);
    };
    all.push_back(rt.spawn("first", sleeper));
    rt.run_until_idle();
    shortage = true;
    while (all.size() < first_room + 10) all.push_back(rt.spawn("sleeper", sleeper));
    rt.run_until_idle();
    EXPECT_EQ(started, first_room);  // each of these waits with a deadline, without memory
    EXPECT_GT(refused, 0);
    rt.advance(1s);  // those who end make room
    EXPECT_EQ(started, first_room + 10);
    rt.advance(1s);
    for (auto& f : all) EXPECT_TRUE(f.join_for(0s));
    shortage = false;
  });
}

TEST(TimerRoom, ARuntimeWithoutRoomForASingleFiberIsRefused) {
  expect_in_child([] {
    const os_calls calls = without_memory();
    forget_used_workers();
    set_os_for_tests(&calls);
    shortage = true;
    EXPECT_THROW(test_runtime rt(1), std::bad_alloc);
    EXPECT_THROW(weft::runtime rt(weft::runtime_options{.workers = 3}), std::bad_alloc);
    shortage = false;
    test_runtime rt(1);
    rt.run([] { this_fiber::sleep_for(1ms); });
  });
}

// A worker may find work for the first time in a shortage: what it takes it can run.
TEST(TimerRoom, AWorkerThatNeverRanAnythingHasRoom) {
  expect_in_child([] {
    const os_calls calls = without_memory();
    set_os_for_tests(&calls);
    // Forgotten workers keep their stacks, and no slab can be had: with 32 bits the first has some 500.
    constexpr std::uint64_t seeds = sizeof(void*) == 8 ? 30 : 2;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      forget_used_workers();
      test_runtime rt(weft::testing::test_schedule{.seed = seed, .workers = 8});
      rt.run([] {});  // there are stacks
      shortage = true;
      rt.run([] {
        std::vector<weft::fiber<>> all;
        for (int i = 0; i < 50; ++i) all.push_back(weft::spawn([] { this_fiber::sleep_for(1ms); }));
        for (auto& f : all) f.join();
      });
      shortage = false;
    }
  });
}

// Each notification is for one waiter, and each waiter ends by it: were one lost, a waiter would time out.
TEST(TimerRoom, NotificationsOfTimedWaitsAreNotLostInAShortage) {
  expect_in_child([] {
    const os_calls calls = without_memory();
    set_os_for_tests(&calls);
    weft::testing::under_seeds([](test_runtime& rt) {
      rt.run([] {
        weft::mutex m;
        weft::condition_variable c;
        unsigned permits = 0;
        std::vector<weft::fiber<bool>> all;
        for (unsigned i = 0; i < 40; ++i) {
          all.push_back(weft::spawn([&] {
            std::unique_lock lock(m);
            return c.wait_for(lock, 1h, [&] { return permits != 0 && permits-- != 0; });
          }));
        }
        this_fiber::yield();
        shortage = true;
        for (unsigned i = 0; i < 40; ++i) {
          {
            const std::scoped_lock lock(m);
            ++permits;
          }
          c.notify_one();
          if (i % 3 == 0) this_fiber::sleep_for(1ms);
        }
        for (auto& f : all) EXPECT_TRUE(f.join());
        shortage = false;
      });
    });
  });
}

}  // namespace
