// Trees. A fork is what weft's fork-join makes of it: a call, unless another worker has taken it. As is usual there, of
// two halves one is called at once. skynet is also done with a fiber for each node: in scopes, and with channels.
#include <cstdint>  // uint64_t
#include <numeric>  // reduce

#include "contenders/common/errors.hpp"
#include "contenders/common/matmul.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/trees.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {
namespace {

// The sum of f(i) for each i of [first, last), each of which forks. (parallel_reduce would fork groups of the many
// children of a root.)
template <class F>
std::uint64_t sum_of_forks(std::size_t first, std::size_t last, const F& f) {
  if (last - first <= 1) return first == last ? 0 : f(first);
  const std::size_t middle = first + (last - first) / 2;
  std::uint64_t low = 0, high = 0;
  weft::parallel_invoke([&] { low = sum_of_forks(first, middle, f); }, [&] { high = sum_of_forks(middle, last, f); });
  return low + high;
}

std::uint64_t skynet_in_scopes(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  std::uint64_t sums[skynet_children];
  const std::uint64_t below = leaves / skynet_children;
  weft::scope children;
  for (std::size_t i = 0; i < skynet_children; ++i) {
    children.spawn([&sum = sums[i], number = first + i * below, below] { sum = skynet_in_scopes(number, below); });
  }
  children.join();
  return std::reduce(std::begin(sums), std::end(sums));
}

using numbers = weft::channel<std::uint64_t>;

void skynet_by_channels(numbers& to, std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) {
    to.send(first);
    return;
  }
  const std::uint64_t below = leaves / skynet_children;
  numbers from(skynet_children);
  for (std::size_t i = 0; i < skynet_children; ++i) {
    weft::spawn([&from, number = first + i * below, below] { skynet_by_channels(from, number, below); }).detach();
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < skynet_children; ++i) sum += from.receive().value();
  to.send(sum);
}

std::uint64_t skynet_by_forks(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  const std::uint64_t below = leaves / skynet_children;
  return sum_of_forks(0, skynet_children, [=](std::size_t i) { return skynet_by_forks(first + i * below, below); });
}

std::uint64_t skynet_sum_of(const options& o, std::uint64_t leaves) {
  if (o.has("forkjoin")) return skynet_by_forks(0, leaves);
  if (!o.has("channel")) return skynet_in_scopes(0, leaves);
  numbers result(1);
  skynet_by_channels(result, 0, leaves);
  return result.receive().value();
}

std::uint64_t fib_of(unsigned n) {
  if (n < 2) return n;
  std::uint64_t a = 0, b = 0;
  weft::parallel_invoke([&] { a = fib_of(n - 1); }, [&] { b = fib_of(n - 2); });
  return a + b;
}

std::uint64_t solutions(const queens& board) {
  if (board.done()) return 1;
  std::uint32_t places[most_queens];
  std::size_t count = 0;
  for (std::uint32_t free = board.free(); free != 0; free &= free - 1) places[count++] = free & (~free + 1);
  return sum_of_forks(0, count, [&](std::size_t i) { return solutions(board.with(places[i])); });
}

// The tree of a million nodes is 812 deep, and each level some frames of a few hundred bytes.
constexpr std::size_t tree_stack = std::size_t{1} << 20;

std::uint64_t nodes_below(std::uint64_t node, std::size_t children) {
  return 1 + sum_of_forks(0, children, [node](std::size_t i) {
           const std::uint64_t child = tree_child(node, i);
           return nodes_below(child, tree_children(child));
         });
}

}  // namespace

figures skynet(const options& o) {
  const std::size_t leaves = o.size_or(1'000'000);
  if (!skynet_size_fits(leaves)) throw unavailable("skynet: the size must be a power of ten");
  return inside(o, [&]() -> figures {
    const stopwatch watch;
    const std::uint64_t sum = skynet_sum_of(o, leaves);
    const double ms = watch.ms();
    check_equal("the sum", sum, skynet_sum(leaves));
    return {{"ms", ms}};
  });
}

figures fib(const options& o) {
  const auto n = static_cast<unsigned>(o.size_or(35));
  return inside(o, [&]() -> figures {
    const stopwatch watch;
    const std::uint64_t value = fib_of(n);
    const double ns = watch.ns();
    check_equal("fib", value, fib_value(n));
    return {{"ns", ns / static_cast<double>(fib_calls(n))}, {"ms", ns * 1e-6}};
  });
}

figures nqueens(const options& o) {
  const std::size_t n = o.size_or(12);
  if (n > most_queens) throw unavailable("nqueens: 16 at most");
  return inside(o, [&]() -> figures {
    const stopwatch watch;
    const std::uint64_t found = solutions(queens(static_cast<unsigned>(n)));
    const double ms = watch.ms();
    check_equal("the number of solutions", found, queens_solutions[n]);
    return {{"ms", ms}};
  });
}

figures matmul_blocks(const options& o) {
  matmul product(o.size_or(1024));
  return inside(o, [&]() -> figures {
    const std::size_t in_a_row = product.blocks();
    const stopwatch watch;
    weft::parallel_for(std::size_t{0}, in_a_row * in_a_row,
                       [&](std::size_t i) { product.multiply(i / in_a_row, i % in_a_row); });
    const double ms = watch.ms();
    product.check();
    return {{"ms", ms}};
  });
}

figures tree_search(const options& o) {
  const std::size_t size = o.size_or(tree_default_size);
  options deep = o;
  deep.stack = o.stack_or(tree_stack);
  return inside(deep, [&]() -> figures {
    const stopwatch watch;
    const std::uint64_t nodes = nodes_below(tree_root, tree_root_children(size));
    const double ns = watch.ns();
    check_equal("the number of nodes", nodes, tree_nodes(size));
    return {{"ns", ns / static_cast<double>(nodes)}, {"nodes", static_cast<double>(nodes)}};
  });
}

}  // namespace contenders::on_weft
