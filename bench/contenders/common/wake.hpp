// The asking side of `wake`: a plain thread hands work to an idle runtime and is told when it ran.
#pragma once
#include <algorithm>  // nth_element
#include <atomic>     // the moment
#include <chrono>     // pauses
#include <cstddef>    // size_t
#include <cstdint>    // int64_t
#include <thread>     // sleep_for
#include <vector>     // samples

#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders {

inline double median(std::vector<double> of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return *middle;
}

inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// When the work ran. The asking thread sleeps until then, so that it takes no processor from who is woken.
class moment {
 public:
  void is_now() {                                    // by the work
    at_.store(now_ns(), std::memory_order_release);  // pairs with wait()
    at_.notify_one();
  }
  std::int64_t wait() {
    at_.wait(0, std::memory_order_acquire);             // pairs with is_now()
    return at_.exchange(0, std::memory_order_acquire);  // pairs with is_now(): it is over, next time begins anew
  }

 private:
  std::atomic<std::int64_t> at_{0};
};

// `hand(moment&)` lets the runtime call is_now() once. At least five times, and for --milliseconds.
template <class Hand>
figures wake_figures(const options& o, Hand&& hand) {
  constexpr auto asleep = std::chrono::milliseconds(25);
  const std::size_t times = std::max<std::size_t>(5, o.milliseconds / asleep.count());
  moment ran;
  std::vector<double> us;
  for (std::size_t i = 0; i < times; ++i) {
    // The workload's definition: the runtime is idle for that long, and only then is it woken.
    std::this_thread::sleep_for(asleep);
    const std::int64_t before = now_ns();
    hand(ran);
    us.push_back(static_cast<double>(ran.wait() - before) * 1e-3);
  }
  return {{"us", median(us)}, {"operations", static_cast<double>(times)}};
}

}  // namespace contenders
