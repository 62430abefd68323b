// Fibers that take turns, on one thread: round robin is what yields to all in turn.
#include <cstdint>  // uint64_t
#include <memory>   // unique_ptr
#include <mutex>    // unique_lock
#include <vector>   // fibers

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::boost_fiber {
namespace {

// All have been started and have yielded once before the time begins: else most would be over before the last starts.
struct turns {
  std::size_t fibers;
  std::uint64_t each;
  std::size_t started = 0;
  stopwatch watch{};
  double ns = 0;

  void take() {
    if (++started == fibers) watch = stopwatch();
    while (started < fibers) boost::this_fiber::yield();
    for (std::uint64_t i = 0; i < each; ++i) boost::this_fiber::yield();
    ns = watch.ns();
  }
};

}  // namespace

figures yield(const options& o) {
  need_one_worker(o);
  const std::size_t size = o.size_or(1000);
  return inside(o, [&](auto& stacks) {
    return repeat(o, size, [&](std::uint64_t n) -> timed {
      turns of{size, batches(n, size)};
      std::vector<fibers::fiber> all;
      all.reserve(size);
      for (std::size_t i = 0; i < size; ++i) all.push_back(spawn(stacks, [&] { of.take(); }));
      join_all(all);
      return {of.ns, of.each * size};
    });
  });
}

namespace {

// Where a fiber waits for its place in the queue.
struct gate {
  fibers::mutex lock{};
  fibers::condition_variable opened{};
  bool open = false;
};

}  // namespace

// The ready queue is filled in a random order, and round robin keeps it.
figures yield_shuffled(const options& o) {
  need_one_worker(o);
  const std::size_t size = o.size_or(1000);
  return inside(o, [&](auto& stacks) {
    return repeat(o, size, [&](std::uint64_t n) -> timed {
      turns of{size, batches(n, size)};
      const std::unique_ptr<gate[]> gates(new gate[size]);
      std::vector<fibers::fiber> all;
      all.reserve(size);
      for (std::size_t i = 0; i < size; ++i) {
        all.push_back(spawn(stacks, [&, i] {
          gate& mine = gates[i];
          {
            std::unique_lock guard(mine.lock);
            mine.opened.wait(guard, [&] { return mine.open; });
          }
          of.take();
        }));
      }
      boost::this_fiber::yield();  // all wait
      for (const std::uint32_t i : random_order(size)) {
        gates[i].open = true;
        gates[i].opened.notify_one();
      }
      join_all(all);
      return {of.ns, of.each * size};
    });
  });
}

}  // namespace contenders::boost_fiber
