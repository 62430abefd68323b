// What `lock_contended` and `lock_yielding` count under the lock, and the longest wait for one.
#pragma once
#include <algorithm>  // max
#include <atomic>     // atomic
#include <cstdint>    // uint64_t

#include "contenders/common/wake.hpp"  // now_ns

namespace contenders {

// On a cache line of its own, like the lock.
struct alignas(64) counter {
  std::uint64_t value = 0;
};

class longest_wait {
 public:
  // `lock()` is timed; the rest is up to the caller.
  template <class Lock>
  void time(Lock&& lock) {
    const std::int64_t before = now_ns();
    lock();
    const std::int64_t ns = now_ns() - before;
    // relaxed: a maximum, read after all have been joined
    for (std::int64_t seen = ns_.load(std::memory_order_relaxed);
         ns > seen && !ns_.compare_exchange_weak(seen, ns, std::memory_order_relaxed);) {
    }
  }
  // relaxed: all have been joined
  double us() const { return static_cast<double>(ns_.load(std::memory_order_relaxed)) * 1e-3; }

 private:
  std::atomic<std::int64_t> ns_{0};
};

}  // namespace contenders
