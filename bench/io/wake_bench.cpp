// How a thread that sleeps in its ring is best woken by another: an eventfd that the ring polls for good, a message from
// the waker's own ring, a message without one (Linux 6.13); and a futex, for a sleeper that has no ring to watch.
//
// The waker waits until the other sleeps, wakes it, and spins until it has run. Told are the waker's processor time for
// the call, the time from before the call to the sleeper's first instruction after its sleep, and the processor time of
// the sleeper for each time it is woken. The ways take turns; medians of the rounds.
#include <liburing.h>
#include <linux/futex.h>  // FUTEX_WAIT_PRIVATE
#include <poll.h>         // POLLIN
#include <sched.h>        // sched_setaffinity
#include <sys/eventfd.h>  // eventfd
#include <sys/syscall.h>  // SYS_futex, SYS_io_uring_register
#include <time.h>         // clock_gettime
#include <unistd.h>       // syscall, write

#include <algorithm>  // sort
#include <atomic>     // atomic
#include <cerrno>     // EINVAL
#include <cstdint>    // uint64_t
#include <cstdio>     // printf
#include <cstdlib>    // atoi
#include <iterator>   // size
#include <memory>     // unique_ptr
#include <thread>     // thread
#include <vector>     // vector

#include "echo/calls.hpp"

namespace {

using echo::needed;
using echo::told;

std::uint64_t read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}
std::uint64_t now() { return read_clock(CLOCK_MONOTONIC); }

io_uring open_ring() {
  io_uring ring{};
  io_uring_params how{};
  how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  needed(io_uring_queue_init_params(64, &ring, &how), "io_uring (Linux 6.1 or later is needed)");
  return ring;
}

constexpr std::uint64_t tag = 1;

// A way to sleep and to be woken. begin() and sleep() are the sleeper's, wake() the waker's.
class way {
 public:
  virtual ~way() = default;
  virtual const char* name() const = 0;
  virtual bool works() { return true; }
  virtual void begin() {}
  virtual void begin_waking() {}
  virtual void sleep() = 0;  // returns when woken
  virtual void wake() = 0;
};

class by_futex final : public way {
 public:
  const char* name() const override { return "futex, no ring"; }
  void sleep() override {
    while (word_.exchange(0, std::memory_order_acquire) == 0) {  // pairs with wake()
      told(::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0));
    }
  }
  void wake() override {
    word_.store(1, std::memory_order_release);  // pairs with sleep()
    told(::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0));
  }

 private:
  std::atomic<std::uint32_t> word_{0};
};

class in_ring : public way {
 public:
  ~in_ring() override { io_uring_queue_exit(&ring_); }
  void begin() override { ring_ = open_ring(); }
  void sleep() override {
    for (bool woken = false; !woken;) {
      io_uring_submit_and_wait(&ring_, 1);
      unsigned head = 0;
      unsigned seen = 0;
      const io_uring_cqe* end = nullptr;
      io_uring_for_each_cqe(&ring_, head, end) {
        ++seen;
        woken = woken || end->user_data == tag;
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 protected:
  io_uring ring_{};
};

class by_eventfd final : public in_ring {
 public:
  ~by_eventfd() override { ::close(event_); }
  const char* name() const override { return "eventfd, multishot poll in the ring"; }
  void begin() override {
    in_ring::begin();
    event_ = needed(told(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), "eventfd");
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    io_uring_prep_poll_multishot(entry, event_, POLLIN);
    entry->user_data = tag;
    io_uring_submit(&ring_);
  }
  void wake() override {
    const std::uint64_t one = 1;
    needed(told(::write(event_, &one, sizeof one)), "write");
  }

 private:
  int event_ = -1;
};

class by_message final : public in_ring {
 public:
  ~by_message() override { io_uring_queue_exit(&own_); }
  const char* name() const override { return "IORING_OP_MSG_RING from the waker's ring"; }
  void begin_waking() override { own_ = open_ring(); }
  void wake() override {
    io_uring_sqe* const entry = io_uring_get_sqe(&own_);
    io_uring_prep_msg_ring(entry, ring_.ring_fd, 0, tag, 0);
    entry->user_data = 0;
    needed(io_uring_submit_and_wait(&own_, 1), "MSG_RING");  // its own end has to be taken, too
    io_uring_cqe* end = nullptr;
    needed(io_uring_peek_cqe(&own_, &end), "MSG_RING");
    needed(end->res, "MSG_RING");
    io_uring_cqe_seen(&own_, end);
  }

 private:
  io_uring own_{};
};

class by_registered_message final : public in_ring {
 public:
  const char* name() const override { return "the same by io_uring_register, no ring of the waker's"; }
  bool works() override {
    io_uring_sqe nobody{};
    nobody.opcode = IORING_OP_MSG_RING;
    nobody.fd = -1;
    return told(::syscall(SYS_io_uring_register, -1, send_message, &nobody, 1)) == -EBADF;  // EINVAL: not known
  }
  void wake() override {
    io_uring_sqe entry{};
    io_uring_prep_msg_ring(&entry, ring_.ring_fd, 0, tag, 0);
    needed(told(::syscall(SYS_io_uring_register, -1, send_message, &entry, 1)), "IORING_REGISTER_SEND_MSG_RING");
  }

 private:
  static constexpr unsigned send_message = 31;  // IORING_REGISTER_SEND_MSG_RING, of later headers
};

void run_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % std::thread::hardware_concurrency(), &set);
  static_cast<void>(::sched_setaffinity(0, sizeof set, &set));  // one that is refused makes it noisier, no more
}

struct result {
  double call_us, latency_us, sleeper_us;
};

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

result measure(way& by, int times) {
  std::atomic<int> slept{0};  // what the sleeper has finished before its next sleep
  std::atomic<std::uint64_t> woke_at{0};
  std::atomic<std::uint64_t> sleeper_took{0};
  std::thread sleeper([&] {
    run_on(0);
    by.begin();
    const std::uint64_t began = read_clock(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < times; ++i) {
      slept.store(i + 1, std::memory_order_release);  // pairs with the waker's look
      by.sleep();
      woke_at.store(now(), std::memory_order_release);  // pairs with the waker's look
    }
    sleeper_took.store(read_clock(CLOCK_THREAD_CPUTIME_ID) - began, std::memory_order_relaxed);  // relaxed: joined
  });
  std::vector<double> calls, latencies;
  by.begin_waking();
  for (int i = 0; i < times; ++i) {
    while (slept.load(std::memory_order_acquire) != i + 1) {  // pairs with the sleeper's store
    }
    for (const std::uint64_t asleep = now() + 30'000; now() < asleep;) {
    }
    woke_at.store(0, std::memory_order_relaxed);  // relaxed: the wake orders it
    const std::uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    const std::uint64_t before = now();
    by.wake();
    const std::uint64_t cpu_after = read_clock(CLOCK_THREAD_CPUTIME_ID);
    std::uint64_t woke = 0;
    while ((woke = woke_at.load(std::memory_order_acquire)) == 0) {  // pairs with the sleeper's store
    }
    calls.push_back(static_cast<double>(cpu_after - cpu) / 1000);
    latencies.push_back(static_cast<double>(woke - before) / 1000);
  }
  sleeper.join();
  // relaxed: after join().
  const auto took = static_cast<double>(sleeper_took.load(std::memory_order_relaxed));
  return {median(calls), median(latencies), took / 1000 / times};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  constexpr int times = 500;
  std::unique_ptr<way> (*const kinds[])() = {
      []() -> std::unique_ptr<way> { return std::make_unique<by_futex>(); },
      []() -> std::unique_ptr<way> { return std::make_unique<by_eventfd>(); },
      []() -> std::unique_ptr<way> { return std::make_unique<by_message>(); },
      []() -> std::unique_ptr<way> { return std::make_unique<by_registered_message>(); },
  };
  constexpr std::size_t count = std::size(kinds);
  std::vector<double> calls[count], latencies[count], sleepers[count];
  run_on(1);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t k = 0; k < count; ++k) {
      const std::unique_ptr<way> by = kinds[k]();
      if (!by->works()) continue;
      const result r = measure(*by, times);
      calls[k].push_back(r.call_us);
      latencies[k].push_back(r.latency_us);
      sleepers[k].push_back(r.sleeper_us);
    }
  }
  std::printf("| woken by | call, CPU us | call to running, us | sleeper, CPU us |\n|---|---|---|---|\n");
  for (std::size_t k = 0; k < count; ++k) {
    if (calls[k].empty()) {
      std::printf("| %s | not on this kernel | | |\n", kinds[k]()->name());
    } else {
      std::printf("| %s | %.2f | %.1f | %.2f |\n", kinds[k]()->name(), median(calls[k]), median(latencies[k]),
                  median(sleepers[k]));
    }
  }
  return 0;
}
