// Many fibers that wait: for one condition variable, for the time, for good.
#include <atomic>   // how many sleep
#include <chrono>   // sleeps
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <fstream>  // max_map_count
#include <mutex>    // unique_lock
#include <vector>   // fibers

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/processor_time.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::boost_fiber {
namespace {

// Where all wait, and who knows that they do.
class bench_seat {
 public:
  void sit() {
    std::unique_lock guard(lock_);
    ++seated_;
    free_.wait(guard, [&] { return over_; });
  }
  void until_all_sit(std::size_t all) {
    for (;;) {
      {
        const std::unique_lock guard(lock_);
        if (seated_ == all) return;
      }
      boost::this_fiber::yield();
    }
  }
  void free_all() {
    {
      const std::unique_lock guard(lock_);
      over_ = true;
    }
    free_.notify_all();
  }

 private:
  fibers::mutex lock_;
  fibers::condition_variable free_;
  std::size_t seated_ = 0;
  bool over_ = false;
};

template <class Stacks>
figures park_once(Stacks& stacks, std::size_t size) {
  bench_seat seat;
  std::vector<fibers::fiber> all(size);  // touched before the memory is read
  parked_meter meter(size);
  for (auto& f : all) f = spawn(stacks, [&] { seat.sit(); });
  seat.until_all_sit(size);
  meter.all_wait();
  seat.free_all();
  for (auto& f : all) f.join();
  return meter.all_joined();
}

template <class Stacks>
figures park(const options& o, Stacks& stacks) {
  const std::size_t size = o.size_or(10'000);
  if (o.has("warm")) park_once(stacks, size);
  return park_once(stacks, size);
}

// A guard page makes two mappings of each stack.
void need_mappings(std::size_t stacks) {
  std::size_t most = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most;
  if (2 * stacks + 1000 > most) {
    throw unavailable("parked: " + std::to_string(stacks) + " guarded stacks are more than vm.max_map_count allows");
  }
}

}  // namespace

// Stacks from malloc here, also on one thread: the pool writes to the lowest page of each stack when it grows, so each
// has three pages instead of two.
figures parked(const options& o) {
  const std::size_t bytes = o.stack_or(stack_bytes);
  return inside(o, [&](auto&) {
    if (o.has("guarded")) {
      need_mappings(o.size_or(10'000));
      fibers::protected_fixedsize_stack stacks(bytes);
      return park(o, stacks);
    }
    fibers::fixedsize_stack stacks(bytes);
    return park(o, stacks);
  });
}

// Stacks from malloc, as for `parked`.
figures sleepers(const options& o) {
  const std::size_t size = o.size_or(1'000'000);
  return inside(o, [&](auto&) -> figures {
    fibers::fixedsize_stack stacks(o.stack_or(stack_bytes));
    std::vector<fibers::fiber> all;
    all.reserve(size);
    std::chrono::nanoseconds longest{0};
    const double cpu = processor_s();
    const stopwatch watch;
    for (std::size_t i = 0; i < size; ++i) {
      const auto time = sleep_time(i);
      longest = std::max(longest, time);
      all.push_back(spawn(stacks, [time] { boost::this_fiber::sleep_for(time); }));
    }
    join_all(all);
    return {{"late_s", watch.s() - std::chrono::duration<double>(longest).count()}, {"cpu_s", processor_s() - cpu}};
  });
}

// It has no timer that could be armed alone. The least that arms one is a wait with a time limit that another fiber
// ends: two switches and a notification are in it.
figures timer_cancel(const options& o) {
  need_one_worker(o);
  return inside(o, [&](auto& stacks) {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      fibers::mutex lock;
      fibers::condition_variable changed;
      bool over = false;
      fibers::fiber waker = spawn(stacks, [&] {
        while (!over) {
          changed.notify_one();
          boost::this_fiber::yield();
        }
      });
      std::unique_lock guard(lock);
      const stopwatch watch;
      for (std::uint64_t i = 0; i < n; ++i) changed.wait_for(guard, std::chrono::hours(1));
      const double ns = watch.ns();
      over = true;
      waker.join();
      return {ns, n};
    });
  });
}

// Idle threads sleep here, whatever their number.
figures idle(const options& o) {
  const std::size_t size = o.size_or(100'000);
  constexpr bool idle_sleeps = true;
  return inside(
      o,
      [&](auto&) {
        fibers::fixedsize_stack stacks(o.stack_or(stack_bytes));
        bench_seat seat;
        std::vector<fibers::fiber> all;
        all.reserve(size);
        for (std::size_t i = 0; i < size; ++i) all.push_back(spawn(stacks, [&] { seat.sit(); }));
        seat.until_all_sit(size);
        figures result;
        fibers::promise<void> measured;
        std::thread watcher([&] {
          result = idle_figures();
          measured.set_value();
        });
        measured.get_future().wait();
        watcher.join();
        seat.free_all();
        join_all(all);
        return result;
      },
      idle_sleeps);
}

}  // namespace contenders::boost_fiber
