// Boost.Fiber's mutex: free, fought over, and held over a yield.
#include <cstdint>  // uint64_t
#include <mutex>    // lock_guard
#include <vector>   // fibers

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/contended.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::boost_fiber {

figures lock(const options& o) {
  return inside(o, [&](auto&) {
    fibers::mutex mutex;
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      const stopwatch watch;
      for (std::uint64_t i = 0; i < n; ++i) {
        mutex.lock();
        mutex.unlock();
      }
      return {watch.ns(), n};
    });
  });
}

namespace {

// `size` fibers, each of which does `work(counter)` as often as makes n in all. work() locks.
template <class Stacks, class Work>
timed fight(Stacks& stacks, std::size_t size, std::uint64_t n, Work work) {
  counter shared;
  const std::uint64_t each = batches(n, size);
  std::vector<fibers::fiber> all;
  const stopwatch watch;
  for (std::size_t f = 0; f < size; ++f) {
    all.push_back(spawn(stacks, [&] {
      for (std::uint64_t i = 0; i < each; ++i) work(shared);
    }));
  }
  join_all(all);
  const double ns = watch.ns();
  check_equal("the counter", shared.value, each * size);
  return {ns, each * size};
}

}  // namespace

figures lock_contended(const options& o) {
  const std::size_t size = o.size_or(64);
  return inside(o, [&](auto& stacks) {
    alignas(64) fibers::mutex mutex;
    const timed fast = calibrate(o, size, [&](std::uint64_t n) {
      return fight(stacks, size, n, [&](counter& shared) {
        const std::lock_guard guard(mutex);
        ++shared.value;
      });
    });
    longest_wait longest;
    fight(stacks, size, fast.operations, [&](counter& shared) {
      longest.time([&] { mutex.lock(); });
      ++shared.value;
      mutex.unlock();
    });
    return per_operation(fast).add("longest_us", longest.us());
  });
}

figures lock_yielding(const options& o) {
  const std::size_t size = o.size_or(64);
  return inside(o, [&](auto& stacks) {
    alignas(64) fibers::mutex mutex;
    return repeat(o, size, [&](std::uint64_t n) {
      return fight(stacks, size, n, [&](counter& shared) {
        const std::lock_guard guard(mutex);
        ++shared.value;
        boost::this_fiber::yield();
      });
    });
  });
}

}  // namespace contenders::boost_fiber
