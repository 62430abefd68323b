// Who gives pages of free stacks back: one thread at a time.
#pragma once
#include <weft/base/atomic.hpp>

#include "base/forks.hpp"  // forks_passed

namespace weft::inline v0::detail {

// The right to give pages back: two threads that do it at once interrupt each other's CPUs for every call. Free, or held by
// a thread of the process after so many forks: a child has not the parent's other threads, and takes it from them.
class tending {
 public:
  tending() noexcept : mine_(forks_passed() + 1) {
    unsigned seen = holder.load(memory_order_relaxed);  // relaxed: a try
    // Acquire: pairs with the release of the last holder. Failure relaxed: nothing is done then.
    held_ = seen != mine_ && holder.compare_exchange_strong(seen, mine_, memory_order_acquire, memory_order_relaxed);
  }
  ~tending() {
    if (held_) holder.store(0, memory_order_release);  // pairs with the next holder
  }
  tending(const tending&) = delete;
  tending& operator=(const tending&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  static constinit inline atomic<unsigned> holder{0};
  unsigned mine_;
  bool held_;
};

}  // namespace weft::inline v0::detail
