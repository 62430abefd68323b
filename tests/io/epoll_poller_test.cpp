// The epoll poller by itself: how long it blocks, what wakes it, and what it does without epoll_pwait2.
#include "io/epoll_poller.hpp"

#include <chrono>  // steady_clock
#include <thread>  // thread
#include <vector>  // vector

#include <unistd.h>  // dup, close

#include <gtest/gtest.h>

#include "io/faults.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::epoll_poller;
using weft_test::planned_faults;
using clock = std::chrono::steady_clock;
namespace os = weft::detail::os;

std::chrono::nanoseconds time_of(auto&& f) {
  const auto start = clock::now();
  f();
  return clock::now() - start;
}

TEST(EpollPoller, ReturnsAtOnceWhenAskedTo) {
  epoll_poller p;
  EXPECT_FALSE(p.has_descriptors());
  for (int i = 0; i < 1000; ++i) {
    p.poll(0);
  }
}

TEST(EpollPoller, BlocksForItsTimeAndNotLess) {
  epoll_poller p;
  EXPECT_GE(time_of([&] { p.poll(3'000'000); }), 3ms);
  EXPECT_GE(time_of([&] { p.poll(300'000); }), 300us);  // below a millisecond too
}

TEST(EpollPoller, WithoutEpollPwait2RoundsUpToMilliseconds) {
  epoll_poller p;
  const planned_faults faults(os::call::epoll_pwait2, {.error = ENOSYS}, 0, 1000);
  EXPECT_GE(time_of([&] { p.poll(300'000); }), 300us);
  EXPECT_GE(time_of([&] { p.poll(1'200'000); }), 1200us);
}

TEST(EpollPoller, AWakeEndsThePollThatRunsOrTheNext) {
  epoll_poller p;
  for (int i = 0; i < 200; ++i) {
    std::thread other([&] { p.wake(); });
    EXPECT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
    other.join();
  }
}

TEST(EpollPoller, WakesAreCoalesced) {
  epoll_poller p;
  for (int i = 0; i < 1000; ++i) {
    p.wake();
  }
  EXPECT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
  EXPECT_GE(time_of([&] { p.poll(2'000'000); }), 2ms) << "a second poll was woken by the same wakes";
}

TEST(EpollPoller, NoWakeIsLostWhenManyWake) {
  epoll_poller p;
  weft::detail::atomic<int> published{0};
  constexpr int each = 2000;
  std::vector<std::thread> wakers;
  for (int t = 0; t < 3; ++t) {
    wakers.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        published.fetch_add(1);
        p.wake();
      }
    });
  }
  while (published.load() < 3 * each) {  // a lost wake would make one of these last ten seconds
    ASSERT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
  }
  for (auto& t : wakers) {
    t.join();
  }
}

TEST(EpollPoller, AnInterruptedWaitIsAnEarlyReturn) {
  epoll_poller p;
  const planned_faults faults(os::call::epoll_wait, {.error = EINTR});
  p.poll(-1);
}

TEST(EpollPoller, ThatCannotBeMadeThrowsAndLeaksNothing) {
  const int before = ::dup(0);
  ::close(before);
  for (const os::call which : {os::call::epoll_create, os::call::eventfd, os::call::epoll_add}) {
    const planned_faults faults(which, {.error = EMFILE});
    try {
      epoll_poller p;
      ADD_FAILURE() << "made";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::too_many_files_open);
    }
  }
  const int after = ::dup(0);
  EXPECT_EQ(after, before);
  ::close(after);
}

}  // namespace
