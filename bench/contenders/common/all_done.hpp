// A plain thread's wait for work that it has handed out: counts down to none.
#pragma once
#include <atomic>   // the count
#include <cstdint>  // uint64_t

namespace contenders {

// May be destroyed when wait() has returned: whoever counted last has left by then.
class all_done {
 public:
  explicit all_done(std::uint64_t wanted) : left_(wanted) {}
  void one() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // pairs with others' and with wait()
    over_.store(1, std::memory_order_release);                       // pairs with wait()
    over_.notify_one();
    left_safely_.store(true, std::memory_order_release);  // pairs with the end of wait()
  }
  void wait() {
    over_.wait(0, std::memory_order_acquire);                // pairs with one()
    while (!left_safely_.load(std::memory_order_acquire)) {  // pairs with one()
    }
  }

 private:
  std::atomic<std::uint64_t> left_;
  std::atomic<int> over_{0};
  std::atomic<bool> left_safely_{false};
};

}  // namespace contenders
