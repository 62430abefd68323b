// std::mutex, and a bare compare-exchange lock: the limit for every mutex.
#include <atomic>   // the spin lock
#include <barrier>  // the start
#include <cstdint>  // uint64_t
#include <mutex>    // mutex, lock_guard
#include <thread>   // who fights
#include <vector>   // threads

#include "contenders/common/contended.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::locks {
namespace {

class spin_lock {
 public:
  void lock() {
    while (held_.exchange(true, std::memory_order_acquire)) {  // pairs with unlock()
      // relaxed: only a look whether it is worth trying
      while (held_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }  // pairs with lock()

 private:
  std::atomic<bool> held_{false};
};

template <class Lock>
figures free_lock(const options& o) {
  Lock lock;
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
      lock.lock();
      lock.unlock();
    }
    return {watch.ns(), n};
  });
}

// `threads` threads do `work(counter)` as often as makes n in all. The time begins when all have started, and ends with
// the last of them.
template <class Work>
timed fight(std::size_t threads, std::uint64_t n, Work work) {
  counter shared;
  const std::uint64_t each = batches(n, threads);
  stopwatch watch;
  std::atomic<double> ns{0};
  std::barrier started(static_cast<std::ptrdiff_t>(threads), [&]() noexcept { watch = stopwatch(); });
  std::vector<std::thread> all;
  for (std::size_t t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      started.arrive_and_wait();
      for (std::uint64_t i = 0; i < each; ++i) work(shared);
      ns.store(watch.ns(), std::memory_order_relaxed);  // relaxed: read after all have been joined
    });
  }
  for (auto& t : all) t.join();
  check_equal("the counter", shared.value, each * threads);
  return {ns, each * threads};
}

template <class Lock>
figures fought_over(const options& o, std::size_t threads) {
  alignas(64) Lock lock;
  const timed fast = calibrate(o, threads, [&](std::uint64_t n) {
    return fight(threads, n, [&](counter& shared) {
      const std::lock_guard guard(lock);
      ++shared.value;
    });
  });
  longest_wait longest;
  fight(threads, fast.operations, [&](counter& shared) {
    longest.time([&] { lock.lock(); });
    ++shared.value;
    lock.unlock();
  });
  return per_operation(fast).add("longest_us", longest.us());
}

}  // namespace

// glibc's mutex takes a cheaper way in a process that never had a second thread: one has been.
figures lock(const options& o) {
  std::thread([] {}).join();
  return o.has("spin") ? free_lock<spin_lock>(o) : free_lock<std::mutex>(o);
}

// Spinning: one thread for each worker (two unless told), because more than there are processors would only burn time.
// The mutex: as many threads as others have fibers, on all processors.
figures lock_contended(const options& o) {
  return o.has("spin") ? fought_over<spin_lock>(o, o.workers > 1 ? o.workers : 2)
                       : fought_over<std::mutex>(o, o.size_or(64));
}

}  // namespace contenders::locks
