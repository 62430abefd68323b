// Fibers that take turns.
#include <atomic>   // on several workers: who has started, who has ended
#include <cstdint>  // uint64_t
#include <memory>   // unique_ptr
#include <numeric>  // iota
#include <vector>   // fibers

#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {
namespace {

// All have been started before the time begins, and none ends before it is over: who waits for the others yields. So in
// time are `each` yields of each fiber, and nothing else.
struct turns {
  const std::size_t fibers;
  const std::uint64_t each;
  std::atomic<std::size_t> started{0}, ended{0};
  stopwatch watch{};
  double ns = 0;

  void take() {
    if (is_last(started)) {
      watch = stopwatch();
      started.store(fibers, std::memory_order_release);  // pairs with yield_until_all()
    } else {
      yield_until_all(started);
    }
    for (std::uint64_t i = 1; i < each; ++i) weft::this_fiber::yield();
    if (is_last(ended)) {
      ns = watch.ns();
      ended.store(fibers, std::memory_order_release);  // pairs with yield_until_all()
    } else {
      yield_until_all(ended);
    }
  }
  timed result() const { return {ns, each * fibers}; }

 private:
  // The last one to come does not count itself: it stores the full number when it has done its work.
  bool is_last(std::atomic<std::size_t>& count) const {
    std::size_t seen = count.load(std::memory_order_relaxed);  // relaxed: checked by the exchange
    while (seen + 1 < fibers) {
      // relaxed: the store of the last one is what others wait for
      if (count.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return false;
    }
    return true;
  }
  void yield_until_all(const std::atomic<std::size_t>& count) const {
    while (count.load(std::memory_order_acquire) < fibers) {  // pairs with the stores in take()
      weft::this_fiber::yield();
    }
  }
};

// The ready queue is filled in that order, and keeps it. Until then all are parked: among many that yield, few would be
// started in a round.
figures in_turn(const options& o, std::size_t size, const std::vector<std::uint32_t>& order) {
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
      for (const std::uint32_t i : order) gates[i].set();
      join_all(all);
      return of.result();
    });
  });
}

}  // namespace

figures yield(const options& o) {
  const std::size_t size = o.size_or(1000);
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0U);
  return in_turn(o, size, order);
}

figures yield_shuffled(const options& o) {
  const std::size_t size = o.size_or(1000);
  return in_turn(o, size, random_order(size));
}

}  // namespace contenders::on_weft
