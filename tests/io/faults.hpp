// Failing system calls on purpose: the k-th call of a kind gets a fault, others go through.
#pragma once
#include <cerrno>   // error numbers
#include <utility>  // exchange

#include <weft/base/atomic.hpp>

#include "io/os.hpp"

namespace weft_test {

// While one is in scope, calls [first, first + count) of `which` (counted from 0, over all threads) get `what`.
class planned_faults {
 public:
  planned_faults(weft::detail::os::call which, weft::detail::os::fault what, int first = 0, int count = 1) noexcept {
    // relaxed, all of these: published by installing the hook. A thread that is still inside the hook of the plan before
    // may see some of them, as if its call had come a moment later.
    kind.store(which, std::memory_order_relaxed);
    error.store(what.error, std::memory_order_relaxed);
    limit.store(what.limit, std::memory_order_relaxed);
    begin.store(first, std::memory_order_relaxed);
    end.store(first + count, std::memory_order_relaxed);
    seen.store(0, std::memory_order_relaxed);
    weft::detail::os::set_fault_hook(&decide);
  }
  ~planned_faults() { weft::detail::os::set_fault_hook(nullptr); }
  planned_faults(const planned_faults&) = delete;
  planned_faults& operator=(const planned_faults&) = delete;

  // How many calls of the kind were made so far.
  static int calls() noexcept {
    return seen.load(std::memory_order_relaxed);
  }  // relaxed: a count, read when all is quiet

 private:
  static weft::detail::os::fault decide(weft::detail::os::call which, int) noexcept {
    // relaxed, all of these: see the constructor
    if (which != kind.load(std::memory_order_relaxed)) {
      return {};
    }
    const int n = seen.fetch_add(1, std::memory_order_relaxed);
    if (n < begin.load(std::memory_order_relaxed) || n >= end.load(std::memory_order_relaxed)) {
      return {};
    }
    return {.error = error.load(std::memory_order_relaxed), .limit = limit.load(std::memory_order_relaxed)};
  }
  template <class T>
  using atomic = weft::detail::atomic<T>;
  inline static atomic<weft::detail::os::call> kind{};
  inline static atomic<int> error{0};
  inline static atomic<decltype(weft::detail::os::fault::limit)> limit{0};
  inline static atomic<int> begin{0}, end{0};
  inline static atomic<int> seen{0};
};

}  // namespace weft_test
