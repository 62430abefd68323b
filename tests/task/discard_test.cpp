// What a program may drop: results that std would let it drop, and handles that a scope keeps. The file is compiled with
// warnings as errors, so that it compiles is half of the test; nothing here is cast to void.
#include <chrono>  // durations
#include <mutex>   // unique_lock

#include <gtest/gtest.h>

#include <weft/sync/barrier.hpp>
#include <weft/sync/channel.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/future.hpp>
#include <weft/sync/latch.hpp>
#include <weft/sync/recursive_timed_mutex.hpp>
#include <weft/sync/semaphore.hpp>
#include <weft/sync/shared_timed_mutex.hpp>
#include <weft/sync/timed_mutex.hpp>
#include <weft/sync/wait_group.hpp>
#include <weft/task/scope.hpp>

#include "support/test_runtime.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::test_runtime;
constexpr auto no_time = std::chrono::steady_clock::time_point{};

TEST(Discard, AForkedChildRunsWithoutItsHandle) {
  test_runtime rt{1};
  int ran = 0;
  rt.run([&] {
    weft::scope s;
    s.fork([&] { return ++ran; });
    s.fork(weft::fiber_options{.name = "child"}, [&] { return ++ran; });
    s.join();
  });
  EXPECT_EQ(ran, 2);
}

TEST(Discard, AHandleMayBeMovedOutAndDropped) {
  test_runtime rt{1};
  bool ran = false;
  rt.run([&] {
    weft::fiber<> child = weft::spawn([&] { ran = true; });
    const auto give_away = [&] { return std::move(child); };
    child.join_for(1h);
    child.join_until(no_time);
    child.joinable();
    child.get_id();
    give_away();
    EXPECT_FALSE(child.joinable());
  });
  EXPECT_TRUE(ran);
}

TEST(Discard, TheOutcomeOfATimedWait) {
  test_runtime rt{1};
  rt.run([] {
    weft::event set;
    set.set();
    set.wait_for(1ms);
    set.wait_until(no_time);
    weft::wait_group none;
    none.wait_for(1ms);
    none.wait_until(no_time);
    weft::latch open(0);
    open.try_wait();
    open.wait_for(1ms);
    open.wait_until(no_time);
    weft::barrier alone(1);
    const auto arrived = alone.arrive();
    alone.wait_for(arrived, 1ms);
    alone.wait_until(arrived, no_time);
    weft::mutex m;
    weft::condition_variable changed;
    std::unique_lock lock(m);
    changed.wait_for(lock, 1ms);
    EXPECT_TRUE(set.is_set());
    EXPECT_TRUE(lock.owns_lock());
  });
}

template <class Mutex>
void try_all_of(Mutex& m) {
  m.try_lock();
  m.unlock();
  m.try_lock_for(1ms);
  m.unlock();
  m.try_lock_until(no_time);
  m.unlock();
}

TEST(Discard, WhetherAnAttemptSucceededWhenItMust) {
  test_runtime rt{1};
  rt.run([] {
    weft::mutex plain;
    plain.try_lock();
    EXPECT_FALSE(plain.try_lock());
    plain.unlock();
    weft::timed_mutex timed;
    try_all_of(timed);
    weft::recursive_timed_mutex recursive;
    try_all_of(recursive);
    weft::shared_timed_mutex shared;
    try_all_of(shared);
    shared.try_lock_shared();
    shared.try_lock_shared_for(1ms);
    shared.try_lock_shared_until(no_time);
    EXPECT_FALSE(shared.try_lock());
    for (int i = 0; i < 3; ++i) shared.unlock_shared();
    weft::counting_semaphore<> permits(3);
    permits.try_acquire();
    permits.try_acquire_for(1ms);
    permits.try_acquire_until(no_time);
    EXPECT_FALSE(permits.try_acquire());
  });
}

TEST(Discard, WhetherAValueFoundRoom) {
  test_runtime rt{1};
  rt.run([] {
    weft::channel<int> c(3);
    int value = 7;
    c.try_send(value);
    c.send_for(value, 1ms);
    c.send_until(value, no_time);
    c.try_send(value);  // there is none: dropped samples of a gauge, say
    EXPECT_EQ(c.size(), 3U);
  });
}

TEST(Discard, AFutureNobodyWantsAndItsState) {
  weft::promise<int> p;
  p.get_future();
  EXPECT_NO_THROW(p.set_value(1));
  weft::packaged_task<int()> task([] { return 2; });
  task.get_future();
  task.valid();
  EXPECT_THROW(task.get_future(), std::future_error);
}

}  // namespace
