// Short fibers, created and joined.
#include <atomic>   // what they count
#include <cstdint>  // uint64_t
#include <vector>   // batches

#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {

figures spawn_join(const options& o) {
  return inside(o, [&] {
    return repeat(o, 0, [](std::uint64_t n) -> timed {
      std::uint64_t count = 0;
      const stopwatch watch;
      for (std::uint64_t i = 0; i < n; ++i) weft::spawn([&] { ++count; }).join();
      const double ns = watch.ns();
      check_equal("the count", count, n);
      return {ns, n};
    });
  });
}

namespace {

// `spawn(f)` makes a fiber. The same from inside and from outside.
template <class Spawn>
figures in_batches(const options& o, Spawn&& spawn) {
  const std::size_t size = o.size_or(10'000);
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    std::atomic<std::uint64_t> count{0};
    const auto work = [&count] { count.fetch_add(1, std::memory_order_relaxed); };  // relaxed: read after join()
    std::vector<weft::fiber<>> all;
    all.reserve(size);
    const std::uint64_t rounds = batches(n, size);
    const stopwatch watch;
    for (std::uint64_t r = 0; r < rounds; ++r) {
      for (std::size_t i = 0; i < size; ++i) all.push_back(spawn(work));
      join_all(all);
    }
    const double ns = watch.ns();
    check_equal("the count", count.load(std::memory_order_relaxed), rounds * size);  // relaxed: all are joined
    return {ns, rounds * size};
  });
}

}  // namespace

figures spawn_batch(const options& o) {
  return inside(o, [&] { return in_batches(o, [](const auto& work) { return weft::spawn(work); }); });
}

figures spawn_outside(const options& o) {
  weft::runtime runtime(runtime_for(o));
  return in_batches(o, [&](const auto& work) { return runtime.spawn(work); });
}

}  // namespace contenders::on_weft
