// What waiting costs: event ping-pong on one worker, a free mutex, and one mutex fought over by 64 fibers on two workers,
// beside a bare compare-exchange lock and, where it is installed, Boost.Fiber's mutex, all in the same run.
//
//   sync_bench [passes]     nanoseconds, least and median of the passes (7)
// The passes of all rows take turns, so that a drift of the machine's speed meets them alike.
#include <algorithm>   // sort
#include <atomic>      // the raw lock; longest waits
#include <chrono>      // steady_clock
#include <cstdint>     // uint64_t
#include <cstdio>      // printf
#include <cstdlib>     // atoi
#include <functional>  // function
#include <mutex>       // lock_guard
#include <string>      // names
#include <thread>      // plain threads for the raw lock
#include <vector>      // samples

#include <weft/weft.hpp>

#include "sync/boost_mutex.hpp"

namespace {

using steady = std::chrono::steady_clock;

double ns_per(std::uint64_t operations, steady::time_point start) {
  return std::chrono::duration<double, std::nano>(steady::now() - start).count() / static_cast<double>(operations);
}

// Two fibers, two events: a message is a set, a reset and the other's wake-up.
double event_ping_pong() {
  constexpr std::uint64_t rounds = 500'000;
  return weft::run({.workers = 1}, [] {
    weft::event ping, pong;
    auto echo = weft::spawn([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        ping.wait();
        ping.reset();
        pong.set();
      }
    });
    weft::this_fiber::yield();
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      ping.set();
      pong.wait();
      pong.reset();
    }
    const double ns = ns_per(2 * rounds, start);
    echo.join();
    return ns;
  });
}

double mutex_uncontended() {
  constexpr std::uint64_t rounds = 5'000'000;
  return weft::run({.workers = 1}, [] {
    weft::mutex m;
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      m.lock();
      m.unlock();
    }
    return ns_per(rounds, start);
  });
}

class raw_lock {
 public:
  void lock() {
    for (;;) {
      if (!held_.exchange(true, std::memory_order_acquire)) return;
      while (held_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

struct alignas(64) contended {
  std::uint64_t counter = 0;
};
constexpr unsigned fibers = 64;
constexpr std::uint64_t locks_each = 20'000;

// The limit: two threads that do nothing but fight for a bare lock, as often as all fibers together.
double raw_spinlock() {
  alignas(64) raw_lock lock;
  contended data;
  const auto work = [&] {
    for (std::uint64_t i = 0; i < fibers / 2 * locks_each; ++i) {
      const std::lock_guard guard(lock);
      ++data.counter;
    }
  };
  const auto start = steady::now();
  std::thread other(work);
  work();
  other.join();
  return ns_per(data.counter, start);
}

double mutex_fought_over(unsigned workers, std::uint64_t each, bool yield_inside, std::uint64_t* longest_wait_ns) {
  return weft::run({.workers = workers}, [=] {
    alignas(64) weft::mutex m;
    contended data;
    std::atomic<std::uint64_t> longest{0};
    std::vector<weft::fiber<>> all;
    const auto start = steady::now();
    for (unsigned f = 0; f < fibers; ++f) {
      all.push_back(weft::spawn({.name = "fighter", .spread = true}, [&] {
        std::uint64_t mine = 0;
        for (std::uint64_t i = 0; i < each; ++i) {
          const auto asked = longest_wait_ns != nullptr ? steady::now() : steady::time_point{};
          const std::lock_guard guard(m);
          if (longest_wait_ns != nullptr) {
            mine = std::max(mine, static_cast<std::uint64_t>((steady::now() - asked).count()));
          }
          ++data.counter;
          if (yield_inside) weft::this_fiber::yield();
        }
        for (std::uint64_t seen = longest; mine > seen && !longest.compare_exchange_weak(seen, mine);) {
        }
      }));
    }
    for (auto& f : all) f.join();
    if (longest_wait_ns != nullptr) *longest_wait_ns = std::max<std::uint64_t>(*longest_wait_ns, longest);
    return ns_per(data.counter, start);
  });
}

struct row {
  std::string name;
  std::function<double()> measure;
  std::vector<double> samples{};
};

}  // namespace

int main(int argc, char** argv) {
  const int passes = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
  std::uint64_t longest_wait_ns = 0;
  std::vector<row> rows{
      {"event ping-pong, 1 worker, a message", event_ping_pong},
      {"mutex, uncontended", mutex_uncontended},
      {"raw spinlock, 2 threads", raw_spinlock},
      {"mutex, 64 fibers, 1 worker", [] { return mutex_fought_over(1, locks_each, false, nullptr); }},
      {"mutex, 64 fibers, 2 workers", [] { return mutex_fought_over(2, locks_each, false, nullptr); }},
      {"  the same, timing each lock", [&] { return mutex_fought_over(2, locks_each, false, &longest_wait_ns); }},
      {"mutex, 64 fibers, 1 worker, yielding inside", [] { return mutex_fought_over(1, 2000, true, nullptr); }},
      {"mutex, 64 fibers, 2 workers, yielding inside", [] { return mutex_fought_over(2, 2000, true, nullptr); }},
  };
  if (weft::bench::have_boost_fiber) {
    rows.push_back({"Boost.Fiber mutex, 64 fibers, 1 thread, yielding inside",
                    [] { return weft::bench::boost_mutex_ns(fibers, 2000, true); }});
    rows.push_back({"Boost.Fiber mutex, 64 fibers, 1 thread",
                    [] { return weft::bench::boost_mutex_ns(fibers, locks_each, false); }});
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (auto& r : rows) r.samples.push_back(r.measure());
  }
  for (auto& r : rows) {
    std::sort(r.samples.begin(), r.samples.end());
    std::printf("%-58s %9.1f %9.1f ns\n", r.name.c_str(), r.samples.front(), r.samples[r.samples.size() / 2]);
  }
  std::printf("%-58s %9.3f ms\n", "longest wait of one lock() on 2 workers",
              static_cast<double>(longest_wait_ns) / 1e6);
}
