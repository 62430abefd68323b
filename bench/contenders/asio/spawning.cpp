// Short coroutines, spawned and awaited by another; and the tree of them.
#include <atomic>   // what they count
#include <cstdint>  // uint64_t

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/trees.hpp"

namespace contenders::on_asio {
namespace {

using counter = std::atomic<std::uint64_t>;

coroutine<> count_one(counter& count) {
  count.fetch_add(1, std::memory_order_relaxed);  // relaxed: read when all is over
  co_return;
}

coroutine<> one_by_one(executor on, std::uint64_t n, counter& count, double& ns) {
  const stopwatch watch;
  for (std::uint64_t i = 0; i < n; ++i) co_await asio::co_spawn(on, count_one(count), use_coroutine);
  ns = watch.ns();
}

// The last of a batch tells by a channel.
coroutine<> in_batches(executor on, std::size_t size, std::uint64_t rounds, counter& count, double& ns) {
  shared_channel over(on, 1);
  const stopwatch watch;
  for (std::uint64_t r = 0; r < rounds; ++r) {
    std::atomic<std::size_t> left{size};
    for (std::size_t i = 0; i < size; ++i) {
      asio::co_spawn(on, count_one(count), [&](const std::exception_ptr& error) {
        rethrow(error);
        // Each pairs with the others: the last one comes after all.
        if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) over.try_send(std::error_code(), 0);
      });
    }
    co_await over.async_receive(use_coroutine);
  }
  ns = watch.ns();
}

using sums = asio::experimental::concurrent_channel<executor, void(std::error_code, std::uint64_t)>;

coroutine<> skynet_node(executor on, sums& to, std::uint64_t first, std::uint64_t leaves) {
  std::uint64_t sum = 0;
  if (leaves == 1) {
    sum = first;
  } else {
    constexpr std::size_t children = skynet_children;
    sums from(on, children);
    const std::uint64_t below = leaves / children;
    for (std::size_t i = 0; i < children; ++i) {
      asio::co_spawn(on, skynet_node(on, from, first + i * below, below), rethrow);
    }
    for (std::size_t i = 0; i < children; ++i) sum += co_await from.async_receive(use_coroutine);
  }
  to.try_send(std::error_code(), sum);  // there is a place for each child
}

}  // namespace

figures spawn_join(const options& o) {
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    asio::io_context context(static_cast<int>(o.workers));
    counter count{0};
    double ns = 0;
    start(context, one_by_one(context.get_executor(), n, count, ns));
    run(context, o.workers);
    check_equal("the count", count.load(), n);
    return {ns, n};
  });
}

figures spawn_batch(const options& o) {
  const std::size_t size = o.size_or(10'000);
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    asio::io_context context(static_cast<int>(o.workers));
    counter count{0};
    double ns = 0;
    const std::uint64_t rounds = batches(n, size);
    start(context, in_batches(context.get_executor(), size, rounds, count, ns));
    run(context, o.workers);
    check_equal("the count", count.load(), rounds * size);
    return {ns, rounds * size};
  });
}

// By channels only: awaiting ten coroutines at once would need one as well.
figures skynet(const options& o) {
  if (!o.has("channel")) throw unavailable("skynet: the variant channel alone");
  const std::size_t leaves = o.size_or(1'000'000);
  if (!skynet_size_fits(leaves)) throw unavailable("skynet: the size must be a power of ten");
  asio::io_context context(static_cast<int>(o.workers));
  sums result(context.get_executor(), 1);
  std::uint64_t sum = 0;
  result.async_receive([&](const std::error_code&, std::uint64_t value) { sum = value; });
  start(context, skynet_node(context.get_executor(), result, 0, leaves));
  const stopwatch watch;
  run(context, o.workers);
  const double ms = watch.ms();
  check_equal("the sum", sum, skynet_sum(leaves));
  return {{"ms", ms}};
}

}  // namespace contenders::on_asio
