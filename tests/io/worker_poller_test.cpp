// A worker's poller by itself, with each of its backends: how long it blocks, what wakes it, what it leaves behind.
#include "io/worker_poller.hpp"

#include <chrono>        // steady_clock
#include <system_error>  // system_error
#include <thread>        // thread
#include <vector>        // vector

#include <unistd.h>  // dup, close

#include <gtest/gtest.h>

#include "io/faults.hpp"
#include "io/os.hpp"
#include "sched/poller.hpp"

namespace {

using namespace std::chrono_literals;
using weft::io_backend;
using weft::detail::worker_poller;
using weft_test::planned_faults;
using clock = std::chrono::steady_clock;
namespace os = weft::detail::os;

std::chrono::nanoseconds time_of(auto&& f) {
  const auto start = clock::now();
  f();
  return clock::now() - start;
}

class WorkerPoller : public testing::TestWithParam<io_backend> {
 protected:
  void SetUp() override {
    if (GetParam() == io_backend::uring && weft::detail::why_no_uring() != 0) {
      GTEST_SKIP() << "no io_uring here: errno " << weft::detail::why_no_uring();
    }
  }
  // On a thread that ends with it: what the kernel still has to do for a ring that is gone interrupts its thread's calls.
  void with_poller(auto&& f) {
    std::thread([&] {
      worker_poller p;
      int error = 0;
      ASSERT_NE(p.backend(GetParam(), error), nullptr) << error;
      f(p);
    }).join();
  }
};

TEST_P(WorkerPoller, ReturnsAtOnceWhenAskedTo) {
  with_poller([](worker_poller& p) {
    EXPECT_FALSE(p.has_descriptors());
    for (int i = 0; i < 1000; ++i) {
      p.poll(0);
    }
  });
}

TEST_P(WorkerPoller, BlocksForItsTimeAndNotLess) {
  with_poller([](worker_poller& p) {
    EXPECT_GE(time_of([&] { p.poll(3'000'000); }), 3ms);
    EXPECT_GE(time_of([&] { p.poll(300'000); }), 300us);  // below a millisecond too
  });
}

TEST_P(WorkerPoller, AWakeEndsThePollThatRunsOrTheNext) {
  with_poller([](worker_poller& p) {
    for (int i = 0; i < 200; ++i) {
      std::thread other([&] { p.wake(); });
      EXPECT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
      other.join();
    }
  });
}

TEST_P(WorkerPoller, WakesAreCoalesced) {
  with_poller([](worker_poller& p) {
    for (int i = 0; i < 1000; ++i) {
      p.wake();
    }
    EXPECT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
    EXPECT_GE(time_of([&] { p.poll(2'000'000); }), 2ms) << "a second poll was woken by the same wakes";
  });
}

TEST_P(WorkerPoller, NoWakeIsLostWhenManyWake) {
  with_poller([](worker_poller& p) {
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
  });
}

// A later thread has a backend of its own; a wake-up that came in between is not lost to it.
TEST_P(WorkerPoller, ServesOneThreadAfterTheOther) {
  worker_poller p;
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      int error = 0;
      ASSERT_NE(p.backend(GetParam(), error), nullptr) << error;
      p.poll(0);
      p.wake();
      EXPECT_LT(time_of([&] { p.poll(10'000'000'000); }), 9s);
      p.retire();
      EXPECT_FALSE(p.has_descriptors());
    }).join();
    p.wake();
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, WorkerPoller, testing::Values(io_backend::epoll, io_backend::uring),
                         [](const auto& which) { return which.param == io_backend::epoll ? "epoll" : "uring"; });

class EpollPoller : public testing::Test {
 protected:
  void SetUp() override {
    int error = 0;
    ASSERT_NE(p.backend(io_backend::epoll, error), nullptr) << error;
  }
  worker_poller p;
};

TEST_F(EpollPoller, WithoutEpollPwait2RoundsUpToMilliseconds) {
  const planned_faults faults(os::call::epoll_pwait2, {.error = ENOSYS}, 0, 1000);
  EXPECT_GE(time_of([&] { p.poll(300'000); }), 300us);
  EXPECT_GE(time_of([&] { p.poll(1'200'000); }), 1200us);
}

TEST_F(EpollPoller, AnInterruptedWaitIsAnEarlyReturn) {
  const planned_faults faults(os::call::epoll_wait, {.error = EINTR});
  p.poll(-1);
}

// The lowest number that is free, which leaks would have taken.
int lowest_free() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

TEST(WorkerPollerAlone, ThatCannotBeMadeThrowsAndLeaksNothing) {
  const int before = lowest_free();
  {
    const planned_faults faults(os::call::eventfd, {.error = EMFILE});
    EXPECT_THROW(worker_poller{}, std::system_error);
  }
  EXPECT_EQ(lowest_free(), before);
}

TEST(WorkerPollerAlone, ABackendThatCannotBeHadSaysWhyAndLeaksNothing) {
  const int before = lowest_free();
  for (const os::call which : {os::call::epoll_create, os::call::epoll_add}) {
    worker_poller p;
    const planned_faults faults(which, {.error = EMFILE});
    int error = 0;
    EXPECT_EQ(p.backend(io_backend::epoll, error), nullptr);
    EXPECT_EQ(error, EMFILE);
    EXPECT_FALSE(p.has_descriptors());
  }
  EXPECT_EQ(lowest_free(), before);
}

// As containers do it, by seccomp or sysctl.
TEST(WorkerPollerAlone, WhereRingsAreForbiddenEpollIsUsedUnlessARingIsInsistedOn) {
  const planned_faults faults(os::call::uring_setup, {.error = EPERM}, 0, 1000);
  worker_poller p;
  int error = 0;
  EXPECT_EQ(p.backend(io_backend::uring, error), nullptr);
  EXPECT_NE(error, 0);
  weft::detail::poll_backend* const fallen_back = p.backend(io_backend::automatic, error);
  ASSERT_NE(fallen_back, nullptr) << error;
  EXPECT_NE(fallen_back->set(), nullptr);
  EXPECT_EQ(fallen_back->requests(), nullptr);
}

}  // namespace
