// The blocking pool: results and failures come back, workers go on meanwhile, threads come and go.
#include <weft/io/blocking.hpp>

#include <atomic>              // progress of calls
#include <condition_variable>  // condition_variable
#include <csignal>             // pthread_sigmask
#include <memory>              // unique_ptr
#include <mutex>               // mutex
#include <stdexcept>           // runtime_error
#include <thread>              // this_thread
#include <vector>              // vector

#include <gtest/gtest.h>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/mutex.hpp>

#include "io/blocking_pool.hpp"
#include "io/faults.hpp"
#include "support/instrumented.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::blocking_pool;

weft::runtime_options workers(unsigned n) {
  weft::runtime_options options;
  options.workers = n;
  return options;
}

// A door that blocks threads until it is opened.
class door {
 public:
  void pass() {
    std::unique_lock held(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(held, [&] { return open_; });
  }
  void open() {
    const std::lock_guard held(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    const std::lock_guard held(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// While it lives only every fourth attempt to start a thread succeeds.
struct few_threads {
  few_threads() { weft::detail::os::set_fault_hook(&decide); }
  ~few_threads() { weft::detail::os::set_fault_hook(nullptr); }
  few_threads(const few_threads&) = delete;
  few_threads& operator=(const few_threads&) = delete;

 private:
  static weft::detail::os::fault decide(weft::detail::os::call which, int) noexcept {
    static std::atomic<unsigned> attempts{0};
    const bool fails = which == weft::detail::os::call::thread && ++attempts % 4 != 0;
    return {.error = fails ? EAGAIN : 0};
  }
};

class Blocking : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Blocking, testing::Values(1U, 2U));

TEST_P(Blocking, GivesBackResultsOfAllKinds) {
  weft::run(workers(GetParam()), [] {
    EXPECT_EQ(weft::blocking([] { return 42; }), 42);
    EXPECT_EQ(*weft::blocking([] { return std::make_unique<int>(7); }), 7);
    int target = 0;
    int& same = weft::blocking([&]() -> int& { return target; });
    EXPECT_EQ(&same, &target);
    weft::blocking([&] { target = 5; });
    EXPECT_EQ(target, 5);
    auto once = [held = std::make_unique<int>(9)]() mutable { return std::move(held); };
    EXPECT_EQ(*weft::blocking(std::move(once)), 9);
    const auto constant = [] { return std::string(1000, 'x'); };
    EXPECT_EQ(weft::blocking(constant).size(), 1000U);
  });
}

TEST_P(Blocking, RethrowsWhatTheCallThrew) {
  weft::run(workers(GetParam()), [] {
    EXPECT_THROW(weft::blocking([]() -> int { throw std::runtime_error("no"); }), std::runtime_error);
    EXPECT_THROW(weft::blocking([] { throw 3; }), int);
    EXPECT_THROW(weft::blocking([]() -> int& { throw 'c'; }), char);
  });
}

TEST_P(Blocking, RunsOnAnotherThreadThatIsNoFiberAndTakesNoSignals) {
  weft::run(workers(GetParam()), [] {
    const auto mine = std::this_thread::get_id();
    weft::blocking([&] {
      EXPECT_NE(std::this_thread::get_id(), mine);
      EXPECT_FALSE(weft::this_fiber::is_fiber());
      sigset_t mask;
      ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
      EXPECT_EQ(::sigismember(&mask, SIGTERM), 1);
    });
  });
}

TEST(BlockingOnAPlainThread, JustCalls) {
  const auto mine = std::this_thread::get_id();
  EXPECT_EQ(weft::blocking([] { return std::this_thread::get_id(); }), mine);
  EXPECT_THROW(weft::blocking([] { throw 1; }), int);
}

TEST_P(Blocking, LetsTheWorkerGoOn) {
  weft::run(workers(GetParam()), [] {
    door d;
    auto blocked = weft::spawn([&] { weft::blocking([&] { d.pass(); }); });
    while (d.waiting() == 0) {
      weft::this_fiber::yield();
    }
    for (int i = 0; i < 100; ++i) {
      weft::this_fiber::yield();
    }
    EXPECT_FALSE(blocked.join_for(0ms));
    d.open();
    blocked.join();
  });
}

TEST_P(Blocking, TwoHundredCallsAtATimeAllEnd) {
  weft::run(workers(GetParam()), [] {
    door d;
    std::vector<weft::fiber<int>> calls;
    for (int i = 0; i < 200; ++i) {
      calls.push_back(weft::spawn([&d, i] {
        return weft::blocking([&d, i] {
          d.pass();
          return i;
        });
      }));
    }
    while (d.waiting() < static_cast<int>(blocking_pool::max_threads)) {
      weft::this_fiber::yield();
    }
    EXPECT_LE(blocking_pool::instance().threads(), blocking_pool::max_threads);
    EXPECT_EQ(d.waiting(), static_cast<int>(blocking_pool::max_threads)) << "the others queue";
    d.open();
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(calls[static_cast<std::size_t>(i)].join(), i);
    }
  });
}

TEST_P(Blocking, ShortCallsOneAfterTheOtherUseOneThread) {
  blocking_pool::instance().end_idle_threads();
  weft::run(workers(GetParam()), [] {
    std::thread::id first;
    for (int i = 0; i < (weft::testing::instrumented ? 200 : 2000); ++i) {
      const auto id = weft::blocking([] { return std::this_thread::get_id(); });
      if (i == 0) {
        first = id;
      }
      ASSERT_EQ(id, first);
    }
  });
}

TEST_P(Blocking, AStopBeforeTheStartCancels) {
  weft::run(workers(GetParam()), [] {
    bool ran = false;
    auto f = weft::spawn([&] { weft::blocking([&] { ran = true; }); });
    f.request_stop();
    try {
      f.join();
      EXPECT_TRUE(ran);  // it had started on another worker
    } catch (const weft::cancelled&) {
      EXPECT_FALSE(ran);
    }
  });
}

TEST_P(Blocking, AStopWhileQueuedCancelsAndTheCallNeverRuns) {
  weft::run(workers(GetParam()), [] {
    door d;
    std::vector<weft::fiber<>> busy;
    for (unsigned i = 0; i < blocking_pool::max_threads; ++i) {
      busy.push_back(weft::spawn([&] { weft::blocking([&] { d.pass(); }); }));
    }
    while (d.waiting() < static_cast<int>(blocking_pool::max_threads)) {
      weft::this_fiber::yield();
    }
    bool ran[3] = {};
    std::vector<weft::fiber<>> queued;
    for (bool& r : ran) {
      queued.push_back(weft::spawn([&] { weft::blocking([&] { r = true; }); }));
    }
    weft::this_fiber::sleep_for(5ms);
    queued[1].request_stop();  // from the middle of the queue
    EXPECT_THROW(queued[1].join(), weft::cancelled);
    queued[2].request_stop();  // its end
    EXPECT_THROW(queued[2].join(), weft::cancelled);
    d.open();
    queued[0].join();
    EXPECT_TRUE(ran[0]);
    EXPECT_FALSE(ran[1]);
    EXPECT_FALSE(ran[2]);
    for (auto& b : busy) {
      b.join();
    }
  });
}

TEST_P(Blocking, AStopDuringTheCallWaitsForItsEndAndIsDeliveredAfter) {
  weft::run(workers(GetParam()), [] {
    door d;
    bool finished = false, returned = false;
    auto f = weft::spawn([&] {
      weft::blocking([&] {
        d.pass();
        finished = true;
      });
      returned = true;
      weft::this_fiber::check_stop();
      ADD_FAILURE() << "the stop was lost";
    });
    while (d.waiting() == 0) {
      weft::this_fiber::yield();
    }
    f.request_stop();
    EXPECT_FALSE(f.join_for(5ms));
    EXPECT_FALSE(finished);
    d.open();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(finished);
    EXPECT_TRUE(returned);
  });
}

TEST_P(Blocking, StopsRacingWithEndsLoseNeitherResultNorFrame) {
  weft::run(workers(GetParam()), [] {
    for (int i = 0; i < (weft::testing::instrumented ? 300 : 5000); ++i) {
      int value = 0;
      auto f = weft::spawn([&] { weft::blocking([&] { value = 1; }); });
      for (int k = 0; k < i % 4; ++k) {
        weft::this_fiber::yield();
      }
      f.request_stop();
      try {
        f.join();
        ASSERT_EQ(value, 1);
      } catch (const weft::cancelled&) {
        ASSERT_EQ(value, 0);
      }
    }
  });
}

TEST_P(Blocking, IdleThreadsEnd) {
  blocking_pool& pool = blocking_pool::instance();
  pool.end_idle_threads();
  pool.set_idle_limit(20ms);
  weft::run(workers(GetParam()), [&] {
    std::vector<weft::fiber<>> calls;
    for (int i = 0; i < 8; ++i) {
      calls.push_back(weft::spawn([] { weft::blocking([] { std::this_thread::sleep_for(1ms); }); }));
    }
    for (auto& c : calls) {
      c.join();
    }
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (pool.threads() != 0 && std::chrono::steady_clock::now() < give_up) {
      weft::this_fiber::sleep_for(5ms);
    }
    EXPECT_EQ(pool.threads(), 0U);
    EXPECT_EQ(weft::blocking([] { return 1; }), 1) << "and new ones start";
  });
  pool.set_idle_limit(10s);
}

TEST_P(Blocking, WithoutAnyThreadThrowsAndWithOneQueues) {
  blocking_pool::instance().end_idle_threads();
  weft::run(workers(GetParam()), [] {
    {
      const weft_test::planned_faults faults(weft::detail::os::call::thread, {.error = EAGAIN}, 0, 1000);
      try {
        weft::blocking([] {});
        ADD_FAILURE() << "ran";
      } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
      }
    }
    door d;
    auto first = weft::spawn([&] { weft::blocking([&] { d.pass(); }); });
    while (d.waiting() == 0) {
      weft::this_fiber::yield();
    }
    const weft_test::planned_faults faults(weft::detail::os::call::thread, {.error = EAGAIN}, 0, 1000);
    auto second = weft::spawn([&] { return weft::blocking([] { return 2; }); });
    weft::this_fiber::sleep_for(2ms);
    d.open();
    EXPECT_EQ(second.join(), 2);
    first.join();
  });
}

// Threads are told to end while they finish a call or idle, and hardly a new one can be started: a call that is queued
// then must be taken by one of those that are about to leave.
TEST_P(Blocking, ACallQueuedWhileThreadsAreToldToEndIsRun) {
  std::atomic<bool> over{false};
  std::thread ender([&] {
    while (!over) {
      blocking_pool::instance().end_idle_threads();
    }
  });
  weft::run(workers(GetParam()), [] {
    const few_threads limited;
    auto caller = weft::spawn([] {  // only one: the next call of another would bring the thread that a lost one needs
      for (int done = 0; done < (weft::testing::instrumented ? 300 : 2000);) {
        try {
          weft::blocking([] {});
          ++done;
        } catch (const std::system_error& e) {
          EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
        }
        weft::this_fiber::yield();
      }
    });
    if (!caller.join_for(60s)) {
      ADD_FAILURE() << "a call was left in the queue";
      caller.request_stop();  // takes it back
    }
    EXPECT_NO_THROW(caller.join());
  });
  over = true;
  ender.join();
}

TEST_P(Blocking, ACallHasTheStopTokenOfItsCaller) {
  weft::run(workers(GetParam()), [] {
    std::atomic<bool> inside{false};
    auto stopped = weft::spawn([&] {
      const weft::stop_token mine = weft::this_fiber::get_stop_token();
      return weft::blocking([&] {
        EXPECT_EQ(weft::this_fiber::get_stop_token(), mine);
        EXPECT_EQ(weft::blocking([] { return weft::this_fiber::get_stop_token(); }), mine);
        inside = true;
        while (!weft::this_fiber::get_stop_token().stop_requested()) {
          std::this_thread::yield();
        }
        return 5;
      });
    });
    while (!inside) {
      weft::this_fiber::yield();
    }
    stopped.request_stop();
    EXPECT_EQ(stopped.join(), 5) << "the call ended by itself, and no cancellation point came after it";
  });
}

TEST_P(Blocking, ACallMayWaitWithTheStopTokenOfItsCaller) {
  weft::run(workers(GetParam()), [] {
    weft::mutex m;
    weft::condition_variable c;
    bool waits = false;
    auto stopped = weft::spawn([&] {
      return weft::blocking([&] {
        std::unique_lock lock(m);
        waits = true;
        c.notify_all();
        return c.wait(lock, weft::this_fiber::get_stop_token(), [] { return false; });
      });
    });
    {
      std::unique_lock lock(m);
      c.wait(lock, [&] { return waits; });
    }
    stopped.request_stop();
    EXPECT_FALSE(stopped.join());
  });
}

// The thread that ran a fiber's call runs another's next.
TEST_P(Blocking, TheStopTokenGoesWithTheCall) {
  weft::run(workers(GetParam()), [] {
    const auto token_inside = [] { return weft::blocking([] { return weft::this_fiber::get_stop_token(); }); };
    auto first = weft::spawn(token_inside);
    const weft::stop_token of_first = first.get_stop_token();
    EXPECT_EQ(first.join(), of_first);
    EXPECT_EQ(token_inside(), weft::this_fiber::get_stop_token());
    EXPECT_FALSE(weft::blocking([] { return weft::run([] { return weft::this_fiber::get_stop_token(); }); }) ==
                 weft::this_fiber::get_stop_token());
  });
  EXPECT_FALSE(weft::this_fiber::get_stop_token().stop_possible());
}

TEST_P(Blocking, ACallMayStartARuntimeOfItsOwn) {
  weft::run(workers(GetParam()), [] {
    EXPECT_EQ(weft::blocking([] { return weft::run(workers(1), [] { return weft::blocking([] { return 3; }); }); }), 3);
  });
}

}  // namespace
