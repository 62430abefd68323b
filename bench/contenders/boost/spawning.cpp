// Short fibers, created and joined from inside one.
#include <atomic>   // what they count
#include <cstdint>  // uint64_t
#include <vector>   // batches

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::boost_fiber {

figures spawn_join(const options& o) {
  return inside(o, [&](auto& stacks) {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      std::uint64_t count = 0;
      const stopwatch watch;
      for (std::uint64_t i = 0; i < n; ++i) spawn(stacks, [&] { ++count; }).join();
      const double ns = watch.ns();
      check_equal("the count", count, n);
      return {ns, n};
    });
  });
}

figures spawn_batch(const options& o) {
  const std::size_t size = o.size_or(10'000);
  return inside(o, [&](auto& stacks) {
    return repeat(o, size, [&](std::uint64_t n) -> timed {
      std::atomic<std::uint64_t> count{0};
      std::vector<fibers::fiber> all;
      all.reserve(size);
      const std::uint64_t rounds = batches(n, size);
      const stopwatch watch;
      for (std::uint64_t r = 0; r < rounds; ++r) {
        for (std::size_t i = 0; i < size; ++i) {
          // relaxed: read after all have been joined
          all.push_back(spawn(stacks, [&] { count.fetch_add(1, std::memory_order_relaxed); }));
        }
        join_all(all);
      }
      const double ns = watch.ns();
      check_equal("the count", count.load(), rounds * size);
      return {ns, rounds * size};
    });
  });
}

}  // namespace contenders::boost_fiber
