// std::thread for each fiber: what the kernel's threads cost. The kernel decides where they run; up to 1000 of them.
#include <array>               // a message
#include <atomic>              // counts
#include <barrier>             // the start
#include <condition_variable>  // the thing that all wait for
#include <cstdint>             // uint64_t
#include <mutex>               // mutex
#include <poll.h>              // poll
#include <pthread.h>           // size of stacks
#include <sched.h>             // sched_yield, sched_setaffinity
#include <sys/socket.h>        // recv, send
#include <thread>              // thread
#include <unistd.h>            // close
#include <vector>              // threads

#include "contenders/common/asker.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/processor_time.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::threads {
namespace {

constexpr std::size_t most_threads = 1000;

std::size_t size_of(const options& o, std::size_t preset) {
  const std::size_t size = o.size_or(preset);
  if (size > most_threads) throw unavailable(o.workload + ": 1000 threads at most");
  return size;
}

// Stacks of 256 KiB unless told, not 8 MiB: then glibc's cache of 40 MiB has room for a batch, and a thread takes an old
// one instead of a new mapping.
void set_stacks(const options& o) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  const int error = ::pthread_attr_setstacksize(&attributes, o.stack_or(std::size_t{256} * 1024));
  if (error != 0 || ::pthread_setattr_default_np(&attributes) != 0) {
    throw unavailable("threads cannot have stacks of that size");
  }
  ::pthread_attr_destroy(&attributes);
}

void join_all(std::vector<std::thread>& all) {
  for (auto& t : all) t.join();
  all.clear();
}

// This thread, and those that it starts, run on one processor.
void stay_on_one_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(needed(::sched_getcpu(), "sched_getcpu")), &set);
  needed(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

class seats {
 public:
  void sit() {
    std::unique_lock guard(lock_);
    ++seated_;
    changed_.notify_one();
    free_.wait(guard, [&] { return over_; });
  }
  void until_all_sit(std::size_t all) {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [&] { return seated_ == all; });
  }
  void free_all() {
    {
      const std::lock_guard guard(lock_);
      over_ = true;
    }
    free_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_, free_;
  std::size_t seated_ = 0;
  bool over_ = false;
};

figures park_once(std::size_t size) {
  seats all_wait;
  std::vector<std::thread> all;
  all.reserve(size);
  parked_meter meter(size);
  for (std::size_t i = 0; i < size; ++i) all.emplace_back([&] { all_wait.sit(); });
  all_wait.until_all_sit(size);
  meter.all_wait();
  all_wait.free_all();
  join_all(all);
  return meter.all_joined();
}

void echo(int end) {
  std::array<char, stall_message_bytes> message;
  for (;;) {
    pollfd readable{end, POLLIN, 0};
    needed(::poll(&readable, 1, -1), "poll");
    const ssize_t got = needed(::recv(end, message.data(), message.size(), 0), "recv");
    if (got == 0) break;
    needed(::send(end, message.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL), "send");
  }
  ::close(end);
}

}  // namespace

// sched_yield() of `size` threads on one processor. The last to start begins the time, the last to end ends it.
figures yield(const options& o) {
  set_stacks(o);
  need_one_worker(o);
  const std::size_t size = size_of(o, 1000);
  stay_on_one_processor();
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    const std::uint64_t each = batches(n, size);
    stopwatch watch;
    std::atomic<double> ns{0};
    std::barrier started(static_cast<std::ptrdiff_t>(size), [&]() noexcept { watch = stopwatch(); });
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < size; ++i) {
      all.emplace_back([&] {
        ::sched_yield();
        started.arrive_and_wait();
        for (std::uint64_t k = 0; k < each; ++k) ::sched_yield();
        ns.store(watch.ns(), std::memory_order_relaxed);  // relaxed: read after all have been joined
      });
    }
    join_all(all);
    return {ns, each * size};
  });
}

figures spawn_join(const options& o) {
  set_stacks(o);
  return repeat(o, 0, [](std::uint64_t n) -> timed {
    std::uint64_t count = 0;
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) std::thread([&] { ++count; }).join();
    const double ns = watch.ns();
    check_equal("the count", count, n);
    return {ns, n};
  });
}

// Smaller batches than others: 100.
figures spawn_batch(const options& o) {
  set_stacks(o);
  const std::size_t size = size_of(o, 100);
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    std::atomic<std::uint64_t> count{0};
    std::vector<std::thread> all;
    all.reserve(size);
    const std::uint64_t rounds = batches(n, size);
    const stopwatch watch;
    for (std::uint64_t r = 0; r < rounds; ++r) {
      // relaxed: read after all have been joined
      for (std::size_t i = 0; i < size; ++i) {
        all.emplace_back([&] { count.fetch_add(1, std::memory_order_relaxed); });
      }
      join_all(all);
    }
    const double ns = watch.ns();
    check_equal("the count", count.load(), rounds * size);
    return {ns, rounds * size};
  });
}

figures parked(const options& o) {
  set_stacks(o);
  const std::size_t size = size_of(o, 1000);
  if (o.has("warm")) park_once(size);
  return park_once(size);
}

figures idle(const options& o) {
  set_stacks(o);
  const std::size_t size = size_of(o, 1000);
  seats all_wait;
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < size; ++i) all.emplace_back([&] { all_wait.sit(); });
  all_wait.until_all_sit(size);
  const figures result = idle_figures();
  all_wait.free_all();
  join_all(all);
  return result;
}

// A thread for each connection, and one that computes: the kernel takes turns, whatever each of them does.
figures stall(const options& o) {
  set_stacks(o);
  asker asking(size_of(o, stall_connections));
  std::vector<std::thread> all;
  for (const int end : asking.server_ends()) all.emplace_back(echo, end);
  std::atomic<bool> over{false};
  std::thread computing([&] {
    while (!over) {
      compute(stall_computes);
      // The pause between two bursts is the load that the workload describes; nobody waits for it.
      std::this_thread::sleep_for(stall_computes_every - stall_computes);
    }
  });
  asking.start();
  const figures result = asking.finish();
  over = true;
  computing.join();
  join_all(all);
  return result;
}

}  // namespace contenders::threads
