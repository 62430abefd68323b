// Monotonic time since a moment.
#pragma once
#include <chrono>  // steady_clock

namespace contenders {

class stopwatch {
 public:
  double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }
  double us() const { return ns() / 1e3; }
  double ms() const { return ns() / 1e6; }
  double s() const { return ns() / 1e9; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace contenders
