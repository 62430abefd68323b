// Coroutines that take turns: a yield is a post, which goes to the end of the io_context's queue.
#include <cstdint>  // uint64_t
#include <numeric>  // iota
#include <vector>   // coroutines

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::on_asio {
namespace {

struct turns {
  std::size_t coroutines;
  std::uint64_t each;
  std::size_t started = 0;
  stopwatch watch{};
  double ns = 0;
};

// All have been started and have yielded once before the time begins.
coroutine<> take_turns(executor on, turns& of) {
  if (++of.started == of.coroutines) of.watch = stopwatch();
  while (of.started < of.coroutines) co_await asio::post(on, use_coroutine);
  for (std::uint64_t i = 0; i < of.each; ++i) co_await asio::post(on, use_coroutine);
  of.ns = of.watch.ns();
}

figures take_turns_in(const std::vector<std::uint32_t>& order, const options& o) {
  const std::size_t size = order.size();
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    asio::io_context context(1);
    turns of{size, batches(n, size)};
    std::vector<coroutine<>> all;  // their frames, in the order of creation
    all.reserve(size);
    for (std::size_t i = 0; i < size; ++i) all.push_back(take_turns(context.get_executor(), of));
    for (const std::uint32_t i : order) start(context, std::move(all[i]));
    context.run();
    check_equal("the number of starts", of.started, size);
    return {of.ns, of.each * size};
  });
}

}  // namespace

figures yield(const options& o) {
  need_one_worker(o);
  std::vector<std::uint32_t> order(o.size_or(1000));
  std::iota(order.begin(), order.end(), 0U);
  return take_turns_in(order, o);
}

// The queue is filled in a random order, and keeps it.
figures yield_shuffled(const options& o) {
  need_one_worker(o);
  return take_turns_in(random_order(o.size_or(1000)), o);
}

}  // namespace contenders::on_asio
