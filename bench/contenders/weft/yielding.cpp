// Fibers that take turns.
#include <atomic>   // on several workers: who has started, who has ended
#include <cstdint>  // uint64_t
#include <memory>   // unique_ptr
#include <vector>   // fibers

#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {
namespace {

// All have been started before the time begins, and the others have yielded: else most would be over before the last
// one starts. It ends with the last of them.
struct turns {
  const std::size_t fibers;
  const std::uint64_t each;
  std::atomic<std::size_t> started{0}, ended{0};
  stopwatch watch{};
  double ns = 0;

  void take() {
    if (started.load(std::memory_order_relaxed) + 1 == fibers) watch = stopwatch();  // relaxed: nobody else is to come
    started.fetch_add(1, std::memory_order_release);                                 // pairs with the load below
    while (started.load(std::memory_order_acquire) < fibers) {                       // pairs with the line above
      weft::this_fiber::yield();
    }
    for (std::uint64_t i = 0; i < each; ++i) weft::this_fiber::yield();
    if (ended.fetch_add(1, std::memory_order_relaxed) + 1 == fibers) ns = watch.ns();  // relaxed: join() orders it
  }
  timed result() const { return {ns, each * fibers}; }
};

}  // namespace

figures yield(const options& o) {
  const std::size_t size = o.size_or(1000);
  return inside(o, [&] {
    return repeat(o, size, [&](std::uint64_t n) -> timed {
      turns of{size, batches(n, size)};
      std::vector<weft::fiber<>> all;
      all.reserve(size);
      for (std::size_t i = 0; i < size; ++i) all.push_back(weft::spawn(spread_over(o), [&] { of.take(); }));
      join_all(all);
      return of.result();
    });
  });
}

// The ready queue is filled in a random order, and keeps it.
figures yield_shuffled(const options& o) {
  const std::size_t size = o.size_or(1000);
  return inside(o, [&] {
    return repeat(o, size, [&](std::uint64_t n) -> timed {
      turns of{size, batches(n, size)};
      const std::unique_ptr<weft::event[]> gates(new weft::event[size]);
      weft::latch all_wait(static_cast<std::ptrdiff_t>(size));
      std::vector<weft::fiber<>> all;
      all.reserve(size);
      for (std::size_t i = 0; i < size; ++i) {
        all.push_back(weft::spawn(spread_over(o), [&, i] {
          all_wait.count_down();
          gates[i].wait();
          of.take();
        }));
      }
      all_wait.wait();
      for (const std::uint32_t i : random_order(size)) gates[i].set();
      join_all(all);
      return of.result();
    });
  });
}

}  // namespace contenders::on_weft
