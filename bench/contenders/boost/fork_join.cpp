// Trees of fibers. Boost.Fiber has no fork-join of its own: a fork is a fiber, a join is its join.
//
// launch::dispatch runs a new fiber at once, as its own skynet example does: with launch::post all leaves of a tree
// would exist before the first of them runs. Yet one that has ended keeps its stack until its thread's dispatcher has
// its turn, which is after all that was ready before: so `fib` and `nqueens`, with millions of forks, are not here.
#include <cstdint>  // uint64_t
#include <numeric>  // reduce
#include <vector>   // children

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/matmul.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/trees.hpp"

namespace contenders::boost_fiber {
namespace {

template <class Stacks, class F>
fibers::fiber fork(Stacks& stacks, F&& f) {
  return spawn(stacks, std::forward<F>(f), fibers::launch::dispatch);
}

template <class Stacks>
std::uint64_t skynet_node(Stacks& stacks, std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  std::uint64_t sums[skynet_children];
  fibers::fiber children[skynet_children];
  const std::uint64_t below = leaves / skynet_children;
  for (std::size_t i = 0; i < skynet_children; ++i) {
    children[i] = fork(stacks, [&stacks, &sum = sums[i], number = first + i * below, below] {
      sum = skynet_node(stacks, number, below);
    });
  }
  for (auto& child : children) child.join();
  return std::reduce(std::begin(sums), std::end(sums));
}

using numbers = fibers::buffered_channel<std::uint64_t>;

template <class Stacks>
void skynet_node(Stacks& stacks, numbers& to, std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) {
    to.push(first);
    return;
  }
  numbers from(16);  // the least power of two with a place for each child
  const std::uint64_t below = leaves / skynet_children;
  fibers::fiber children[skynet_children];
  for (std::size_t i = 0; i < skynet_children; ++i) {
    children[i] =
        fork(stacks, [&stacks, &from, number = first + i * below, below] { skynet_node(stacks, from, number, below); });
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < skynet_children; ++i) sum += from.value_pop();
  for (auto& child : children) child.join();
  to.push(sum);
}

template <class Stacks>
std::uint64_t tree_node(Stacks& stacks, std::uint64_t node, std::size_t count) {
  std::vector<std::uint64_t> nodes(count);
  std::vector<fibers::fiber> children(count);
  for (std::size_t i = 0; i < count; ++i) {
    children[i] = fork(stacks, [&stacks, &result = nodes[i], child = tree_child(node, i)] {
      result = tree_node(stacks, child, tree_children(child));
    });
  }
  for (auto& child : children) child.join();
  return std::reduce(nodes.begin(), nodes.end(), std::uint64_t{1});
}

}  // namespace

figures skynet(const options& o) {
  const std::size_t leaves = o.size_or(1'000'000);
  if (!skynet_size_fits(leaves)) throw unavailable("skynet: the size must be a power of ten");
  // As nearly all of them exist at once, small stacks: its example has 8 KiB, which is too little for the dynamic linker
  // on processors with large registers.
  options small = o;
  small.stack = o.stack_or(std::size_t{16} * 1024);
  return inside(small, [&](auto& stacks) -> figures {
    std::uint64_t sum = 0;
    const stopwatch watch;
    if (o.has("channel")) {
      numbers result(2);
      skynet_node(stacks, result, 0, leaves);
      sum = result.value_pop();
    } else {
      sum = skynet_node(stacks, 0, leaves);
    }
    const double ms = watch.ms();
    check_equal("the sum", sum, skynet_sum(leaves));
    return {{"ms", ms}};
  });
}

figures matmul_blocks(const options& o) {
  matmul product(o.size_or(1024));
  return inside(o, [&](auto& stacks) -> figures {
    std::vector<fibers::fiber> all;
    const stopwatch watch;
    for (std::size_t i = 0; i < product.blocks(); ++i) {
      for (std::size_t j = 0; j < product.blocks(); ++j) {
        all.push_back(spawn(stacks, [&, i, j] { product.multiply(i, j); }));
      }
    }
    join_all(all);
    const double ms = watch.ms();
    product.check();
    return {{"ms", ms}};
  });
}

figures tree_search(const options& o) {
  const std::size_t size = o.size_or(tree_default_size);
  return inside(o, [&](auto& stacks) -> figures {
    const stopwatch watch;
    const std::uint64_t nodes = tree_node(stacks, tree_root, tree_root_children(size));
    const double ns = watch.ns();
    check_equal("the number of nodes", nodes, tree_nodes(size));
    return {{"ns", ns / static_cast<double>(nodes)}, {"nodes", static_cast<double>(nodes)}};
  });
}

}  // namespace contenders::boost_fiber
