// Signals as waits: noted for every set that has them, counted, timed, cancelled, closed; and what was before comes back.
// Signals are raised by the thread that runs the test or a fiber, so that they have been noted when raise() returns.
#include <weft/io/signal_set.hpp>

#include <atomic>   // atomic
#include <chrono>   // literals
#include <csignal>  // raise
#include <memory>   // unique_ptr
#include <thread>   // thread
#include <vector>   // vector

#include <unistd.h>  // dup, close, getpid

#include <gtest/gtest.h>
#include <weft/fiber/cancelled.hpp>
#include <weft/io/process.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "io/faults.hpp"
#include "support/asleep.hpp"
#include "support/instrumented.hpp"

namespace {

using namespace std::chrono_literals;
using weft::signal_set;
using weft_test::planned_faults;
namespace os = weft::detail::os;

// ThreadSanitizer calls handlers later, and keeps one signal of each number until then.
#if defined(WEFT_WITH_TSAN)
constexpr int real_time_signals_of_five = 1;
#else
constexpr int real_time_signals_of_five = 5;
#endif

class Signals : public ::testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void go(F&& body) {
    if (GetParam() == 0) {
      body();
    } else {
      weft::run({.workers = GetParam()}, body);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Callers, Signals, ::testing::Values(0, 1, 2));

TEST_P(Signals, AreReturnedByTheWaitOncePerTimeTheyCame) {
  go([] {
    signal_set set{SIGUSR1, SIGUSR2};
    EXPECT_EQ(set.try_wait(), std::nullopt);
    std::raise(SIGUSR2);
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    EXPECT_EQ(set.wait(), SIGUSR1);
    EXPECT_EQ(set.wait_for(1h), SIGUSR2);
    EXPECT_EQ(set.try_wait(), SIGUSR2);
    EXPECT_EQ(set.try_wait(), std::nullopt);
  });
}

TEST_P(Signals, AreNotedForEverySetThatHasThem) {
  go([] {
    signal_set first{SIGUSR1};
    signal_set second{SIGUSR1, SIGHUP};
    std::raise(SIGUSR1);
    EXPECT_EQ(first.wait(), SIGUSR1);
    EXPECT_EQ(second.wait(), SIGUSR1);
    {
      signal_set third{SIGUSR1};
      std::raise(SIGUSR1);
    }
    signal_set fourth{SIGUSR1};
    EXPECT_EQ(fourth.try_wait(), std::nullopt) << "what came before, and for another";
    EXPECT_EQ(first.try_wait(), SIGUSR1);
    std::raise(SIGHUP);
    EXPECT_EQ(second.wait(), SIGHUP);
    EXPECT_EQ(first.try_wait(), std::nullopt);
  });
}

TEST_P(Signals, TimeOut) {
  go([] {
    signal_set set{SIGUSR1};
    EXPECT_EQ(set.wait_for(2ms), std::nullopt);
    EXPECT_EQ(set.wait_until(std::chrono::steady_clock::now()), std::nullopt);
    std::raise(SIGUSR1);
    EXPECT_EQ(set.wait_for(0ms), SIGUSR1) << "a last try";
  });
}

TEST_P(Signals, WakeAWaiterWhereverTheyAreHandled) {
  go([] {
    signal_set set{SIGUSR1};
    for (int i = 0; i < 100; ++i) {
      std::thread raiser([] { std::raise(SIGUSR1); });
      EXPECT_EQ(set.wait(), SIGUSR1);
      raiser.join();
    }
  });
}

TEST_P(Signals, AreRestoredToWhatTheyWereWhenTheLastSetGoes) {
  go([] {
    static std::atomic<int> handled{0};
    struct sigaction mine {};
    mine.sa_handler = [](int) { ++handled; };
    struct sigaction original {
    }, seen{};
    ASSERT_EQ(::sigaction(SIGUSR1, &mine, &original), 0);
    handled = 0;
    auto first = std::make_unique<signal_set>(std::initializer_list<int>{SIGUSR1});
    auto second = std::make_unique<signal_set>(std::initializer_list<int>{SIGUSR1});
    std::raise(SIGUSR1);
    EXPECT_EQ(handled, 0);
    first.reset();
    std::raise(SIGUSR1);
    EXPECT_EQ(handled, 0) << "the other set has it still";
    second.reset();
    std::raise(SIGUSR1);
    EXPECT_EQ(handled, 1);
    {  // somebody's handler that came meanwhile stays
      const signal_set third{SIGUSR1};
      struct sigaction later {};
      later.sa_handler = SIG_IGN;
      ASSERT_EQ(::sigaction(SIGUSR1, &later, nullptr), 0);
    }
    ASSERT_EQ(::sigaction(SIGUSR1, &original, &seen), 0);
    EXPECT_EQ(seen.sa_handler, SIG_IGN);
  });
}

TEST_P(Signals, EndTheirWaitWhenTheSetIsClosed) {
  go([] {
    signal_set set{SIGUSR1};
    std::thread closer([&] { set.close(); });
    std::error_code error;
    EXPECT_EQ(set.wait(error), 0);
    EXPECT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
    closer.join();
    EXPECT_THROW(set.wait(), std::system_error);
    std::raise(SIGUSR1);
    EXPECT_EQ(set.try_wait(), SIGUSR1) << "and the process lives";
  });
}

TEST_P(Signals, ThatCannotBeWaitedForAreRefused) {
  go([] {
    const int before = ::dup(0);
    ::close(before);
    for (const int signal : {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
      std::error_code error;
      signal_set set({SIGUSR1, signal}, error);
      EXPECT_EQ(error, std::errc::invalid_argument) << signal;
      EXPECT_EQ(set.try_wait(), std::nullopt);
      EXPECT_EQ(set.wait(error), 0);
      EXPECT_EQ(error, std::errc::bad_file_descriptor);
      EXPECT_THROW(signal_set({signal}), std::system_error) << signal;
    }
    for (const os::call which : {os::call::duplicate, os::call::disposition}) {
      for (int at = 0; at < (which == os::call::duplicate ? 1 : 2); ++at) {
        const planned_faults broken(which, {.error = EMFILE}, at);
        std::error_code error;
        const signal_set set({SIGUSR1, SIGUSR2}, error);
        EXPECT_EQ(error, std::errc::too_many_files_open);
      }
    }
    struct sigaction now {};
    ::sigaction(SIGUSR1, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << "a set that failed left its handler";
    { const signal_set warm{SIGUSR1}; }
    const int after = ::dup(0);
    ::close(after);
    EXPECT_LE(after, before + 1) << "one is kept for the next set, no more";
  });
}

TEST_P(Signals, OfRealTimeAreAllCounted) {
  go([] {
    signal_set set{SIGRTMIN};
    sigset_t it, before;
    ::sigemptyset(&it);
    ::sigaddset(&it, SIGRTMIN);
    ::pthread_sigmask(SIG_BLOCK, &it, &before);
    for (int i = 0; i < 5; ++i) {
      std::raise(SIGRTMIN);  // five wait in the kernel
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    for (int i = 0; i < real_time_signals_of_five; ++i) {
      EXPECT_EQ(set.wait(), SIGRTMIN);
    }
    EXPECT_EQ(set.try_wait(), std::nullopt);
  });
}

TEST(SignalsInFibers, AStopEndsTheWait) {
  weft::run({.workers = 1}, [] {
    signal_set set{SIGUSR1};
    for (const bool early : {false, true}) {
      auto waiter = weft::spawn([&] { set.wait(); });
      for (int i = 0; !early && i < 20; ++i) {
        weft::this_fiber::yield();
      }
      waiter.request_stop();
      EXPECT_THROW(waiter.join(), weft::cancelled);
    }
    std::raise(SIGUSR1);
    EXPECT_EQ(set.wait(), SIGUSR1) << "no signal went to a waiter that was gone";
  });
}

TEST(SignalsInFibers, EachGoesToOneOfManyWaiters) {
  weft::run({.workers = 2}, [] {
    signal_set set{SIGUSR1};
    std::vector<weft::fiber<int>> waiters;
    constexpr int count = 20;
    for (int i = 0; i < count; ++i) {
      waiters.push_back(weft::spawn([&] { return set.wait(); }));
    }
    for (int i = 0; i < count; ++i) {
      weft::this_fiber::yield();
      std::raise(SIGUSR1);
    }
    for (auto& w : waiters) {
      EXPECT_EQ(w.join(), SIGUSR1);
    }
    EXPECT_EQ(set.try_wait(), std::nullopt);
  });
}

// Raises two signals when somebody is about to empty the eventfd for the fourth time because nothing is noted.
class two_signals_before_the_fourth_drain {
 public:
  two_signals_before_the_fourth_drain() {
    drains.store(0,
                 std::memory_order_relaxed);  // relaxed, as all of them: one worker, and installing the hook publishes
    os::set_fault_hook([](os::call which, int) noexcept {
      if (which == os::call::drain && drains.fetch_add(1, std::memory_order_relaxed) == 3) {
        raise_both();
      }
      return os::fault{};
    });
  }
  ~two_signals_before_the_fourth_drain() { os::set_fault_hook(nullptr); }
  two_signals_before_the_fourth_drain(const two_signals_before_the_fourth_drain&) = delete;
  two_signals_before_the_fourth_drain& operator=(const two_signals_before_the_fourth_drain&) = delete;
  bool has_raised() const { return drains.load(std::memory_order_relaxed) >= 4; }
  static void raise_both() noexcept {
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);  // another number: none may stand for both
  }

 private:
  inline static std::atomic<int> drains{0};
};

// Who empties the eventfd takes one signal, and has taken the news of the other away from those who wait. With a ring the
// first signal wakes all three waiters: one gets it, one looks twice and waits again, the third meets the two.
TEST(SignalsInFibers, EachWakesAWaiterAlsoWhenAnotherTakesNoteOfBoth) {
  weft::run({.workers = 1}, [] {
    signal_set set{SIGUSR1, SIGUSR2};
    const two_signals_before_the_fourth_drain signals;
    std::vector<weft::fiber<int>> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.push_back(weft::spawn([&] { return set.wait(); }));
    }
    weft::this_fiber::sleep_for(1ms);  // so does the only worker: what they wait for has been handed over then
    std::raise(SIGUSR1);
    weft::this_fiber::sleep_for(1ms);  // all that are woken have run then
    if (!signals.has_raised()) {
      two_signals_before_the_fourth_drain::raise_both();  // this poller wakes one waiter for one signal
    }
    int sum = 0;
    for (auto& w : waiters) {
      if (!w.join_for(10s)) {
        ADD_FAILURE() << "a signal is noted, and its waiter sleeps";
        std::raise(SIGUSR1);
      }
      sum += w.join();
    }
    EXPECT_EQ(sum, SIGUSR1 + SIGUSR1 + SIGUSR2);
    EXPECT_EQ(set.try_wait(), std::nullopt);
  });
}

TEST(SignalsInFibers, OfAChildThatEnds) {
  weft::run({.workers = 1}, [] {
    signal_set set{SIGCHLD};
    auto child = weft::process::spawn({"true"});
    EXPECT_EQ(child.wait().code, 0);
    EXPECT_EQ(set.wait(), SIGCHLD);
  });
}

// The caller of run() and the workers wait while the signal comes: whichever of them the kernel picks handles it.
TEST(SignalsInFibers, ComeToThreadsThatWait) {
  weft::run({.workers = 2}, [] {
    signal_set set{SIGUSR1};
    for (int i = 0; i < 10; ++i) {
      std::thread sender([] {
        weft::testing::await_others_asleep();
        ::kill(::getpid(), SIGUSR1);
      });
      EXPECT_EQ(set.wait(), SIGUSR1);
      sender.join();
    }
  });
}

TEST(SignalsInFibers, SentToAWorkersThreadThatWaitsAreHandledThere) {
  weft::run({.workers = 1}, [] {
    signal_set set{SIGUSR1};
    const pthread_t worker = ::pthread_self();
    for (int i = 0; i < 10; ++i) {
      std::thread sender([worker] {
        weft::testing::await_others_asleep();
        ::pthread_kill(worker, SIGUSR1);
      });
      EXPECT_EQ(set.wait(), SIGUSR1);
      sender.join();
    }
  });
}

// Handlers run on other threads while sets come and go: none may note into, or wake, a set that is not its own.
TEST(SignalsInFibers, SetsComeAndGoWhileSignalsArrive) {
  const signal_set keeps_it_harmless{SIGUSR1};
  std::atomic<bool> over{false};
  std::thread raiser([&] {
    while (!over) {
      std::raise(SIGUSR1);
    }
  });
  weft::run({.workers = 1}, [] {
    for (int i = 0; i < (weft::testing::instrumented ? 100 : 1000); ++i) {
      signal_set other{SIGUSR2};
      EXPECT_EQ(other.try_wait(), std::nullopt);
      signal_set set{SIGUSR1};
      EXPECT_EQ(set.wait(), SIGUSR1);
    }
  });
  over = true;
  raiser.join();
}

}  // namespace
