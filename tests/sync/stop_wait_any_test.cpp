// Waits with a stop token of the condition variable for any lock: what only it has. The rest is in stop_wait_test.cpp.
#include <chrono>        // durations
#include <mutex>         // mutex, unique_lock, lock_guard
#include <shared_mutex>  // shared_lock
#include <thread>        // plain threads
#include <vector>        // fibers

#include <gtest/gtest.h>

#include <weft/sync/condition_variable_any.hpp>
#include <weft/sync/mutex.hpp>
#include <weft/sync/shared_mutex.hpp>
#include <weft/sync/stop_token.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;

using any = weft::condition_variable_any;

TEST(AnyStopWaits, ReadersThatWaitTogetherAreStoppedOneByOne) {
  under_seeds(200, [](test_runtime& rt) {
    weft::shared_mutex m;
    any c;
    weft::stop_source sources[3];
    std::vector<weft::fiber<bool>> readers;
    for (auto& s : sources) {
      readers.push_back(rt.spawn("reader", [&] {
        std::shared_lock lock(m);
        return c.wait(lock, s.get_token(), [] { return false; });
      }));
    }
    rt.run_until_idle();
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(rt.parked_count(), 3 - i);
      sources[i].request_stop();
      EXPECT_FALSE(readers[i].join());
      rt.run_until_idle();
    }
  });
}

// Plain threads with std's own mutex: what std::condition_variable_any is used for.
TEST(AnyStopWaits, PlainThreadsWaitWithAMutexOfStd) {
  std::mutex m;
  any c;
  weft::stop_source source;
  bool condition = false, result = false;
  std::thread notified([&] {
    std::unique_lock lock(m);
    EXPECT_TRUE(c.wait(lock, source.get_token(), [&] { return condition; }));
    result = true;
  });
  {
    const std::lock_guard lock(m);
    condition = true;
  }
  c.notify_all();
  notified.join();
  EXPECT_TRUE(result);
  std::thread stopped([&] {
    std::unique_lock lock(m);
    EXPECT_FALSE(c.wait(lock, source.get_token(), [] { return false; }));
  });
  source.request_stop();
  stopped.join();
}

// A condition that throws leaves the lock locked and nothing behind.
TEST(AnyStopWaits, AnExceptionOfTheConditionPassesThrough) {
  everywhere(
      [] {
        weft::mutex m;
        any c;
        weft::stop_source source;
        std::unique_lock lock(m);
        EXPECT_THROW(c.wait(lock, source.get_token(), []() -> bool { throw 7; }), int);
        EXPECT_THROW(c.wait_for(lock, source.get_token(), 1h, []() -> bool { throw 7; }), int);
        EXPECT_TRUE(lock.owns_lock());
        source.request_stop();
      },
      10);
}

}  // namespace
