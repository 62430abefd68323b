// Locks and the like that nobody else wants: the cost of the way that never waits.
#include <atomic>     // the bare lock
#include <cstdint>    // uint64_t
#include <mutex>      // std::mutex
#include <semaphore>  // std::counting_semaphore

#include "micro/micro.hpp"

namespace micro {
namespace {

template <class Mutex>
void lock_unlock(State& state) {
  in_fiber([&] {
    Mutex mutex;
    benchmark::DoNotOptimize(&mutex);
    for (auto _ : state) {
      mutex.lock();
      mutex.unlock();
    }
  });
}

// The least that a lock can be.
class bare_lock {
 public:
  void lock() {
    // Acquire pairs with unlock(); failure relaxed: it looks again.
    for (bool free = false;
         !held_.compare_exchange_strong(free, true, std::memory_order_acquire, std::memory_order_relaxed);) {
      free = false;
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }  // pairs with lock()

 private:
  alignas(64) std::atomic<bool> held_{false};
};

template <class Semaphore>
void acquire_release(State& state) {
  in_fiber([&] {
    Semaphore semaphore(1);
    for (auto _ : state) {
      semaphore.acquire();
      semaphore.release();
    }
  });
}

void event_set_reset(State& state) {
  in_fiber([&] {
    weft::event event;
    for (auto _ : state) {
      event.set();
      event.reset();
    }
  });
}

}  // namespace

void add_locks() {
  benchmark::RegisterBenchmark("lock and unlock/weft::mutex", lock_unlock<weft::mutex>);
  benchmark::RegisterBenchmark("lock and unlock/std::mutex", lock_unlock<std::mutex>);
  benchmark::RegisterBenchmark("lock and unlock/compare-exchange", lock_unlock<bare_lock>);
  benchmark::RegisterBenchmark("acquire and release/weft::counting_semaphore",
                               acquire_release<weft::counting_semaphore<>>);
  benchmark::RegisterBenchmark("acquire and release/std::counting_semaphore",
                               acquire_release<std::counting_semaphore<>>);
  benchmark::RegisterBenchmark("set and reset/weft::event", event_set_reset);
}

}  // namespace micro
