// What each runtime is asked to do. One function per workload; each returns nanoseconds per operation, measured inside
// the runtime after a warm-up of the same kind.
#pragma once
#include <cstddef>  // size_t
#include <chrono>   // steady_clock

namespace compare {

struct contender {
  const char* name;
  // `fibers` fibers yield in turn until `yields` yields have been made in total, on one worker.
  double (*yield)(std::size_t fibers, std::size_t yields);
  // Spawns and joins one fiber at a time.
  double (*spawn_join)(unsigned workers, std::size_t count);
  // Spawns `batch` fibers, then joins them, `rounds` times.
  double (*spawn_batch)(unsigned workers, std::size_t batch, std::size_t rounds);
};

const contender& weft_contender();
const contender* boost_contender();  // null when Boost.Fiber was not found

class stopwatch {
 public:
  double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace compare
