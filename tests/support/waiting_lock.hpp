// A lock as bad as can be for code that takes any lock: all it does are waits, and lock() is a cancellation point.
#pragma once
#include <chrono>  // durations

#include <weft/sched/this_fiber.hpp>  // yield, cancel_shield
#include <weft/sync/semaphore.hpp>    // binary_semaphore

namespace weft::testing {

class waiting_lock {
 public:
  void lock() {
    this_fiber::yield();
    free_.acquire();
    locked_ = true;
  }
  void unlock() {
    const cancel_shield shield;
    locked_ = false;
    free_.release();
    (void)never_.try_acquire_for(std::chrono::microseconds(1));
    this_fiber::yield();
  }
  bool locked() const { return locked_; }

 private:
  binary_semaphore free_{1}, never_{0};
  bool locked_ = false;
};

}  // namespace weft::testing
