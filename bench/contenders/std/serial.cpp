// The fork-join workloads as plain recursion on one thread: what a fork costs is what others take beyond this.
//
// Compilers turn so simple a recursion into something else by inlining several levels of it. A fork keeps a call for each
// node, so that is kept here, too. (A last call may still become a loop.)
#include <cstdint>  // uint64_t

#include "contenders/common/errors.hpp"
#include "contenders/common/matmul.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/trees.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::serial {
namespace {

[[gnu::noinline]] std::uint64_t fib_node(unsigned n) {
  if (n < 2) return n;
  const std::uint64_t first = fib_node(n - 1);
  return first + fib_node(n - 2);
}

[[gnu::noinline]] std::uint64_t skynet_node(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  std::uint64_t sum = 0;
  const std::uint64_t below = leaves / skynet_children;
  for (std::size_t i = 0; i < skynet_children; ++i) sum += skynet_node(first + i * below, below);
  return sum;
}

[[gnu::noinline]] std::uint64_t queens_node(const queens& board) {
  if (board.done()) return 1;
  std::uint64_t solutions = 0;
  for (std::uint32_t free = board.free(); free != 0; free &= free - 1) {
    solutions += queens_node(board.with(free & (~free + 1)));
  }
  return solutions;
}

[[gnu::noinline]] std::uint64_t tree_node(std::uint64_t node, std::size_t children) {
  std::uint64_t nodes = 1;
  for (std::size_t i = 0; i < children; ++i) {
    const std::uint64_t child = tree_child(node, i);
    nodes += tree_node(child, tree_children(child));
  }
  return nodes;
}

}  // namespace

figures fib(const options& o) {
  need_one_worker(o);
  const auto n = static_cast<unsigned>(o.size_or(35));
  const stopwatch watch;
  const std::uint64_t value = fib_node(n);
  const double ns = watch.ns();
  check_equal("fib", value, fib_value(n));
  return {{"ns", ns / static_cast<double>(fib_calls(n))}, {"ms", ns * 1e-6}};
}

figures skynet(const options& o) {
  need_one_worker(o);
  const std::size_t leaves = o.size_or(1'000'000);
  if (!skynet_size_fits(leaves)) throw unavailable("skynet: the size must be a power of ten");
  const stopwatch watch;
  const std::uint64_t sum = skynet_node(0, leaves);
  const double ms = watch.ms();
  check_equal("the sum", sum, skynet_sum(leaves));
  return {{"ms", ms}};
}

figures nqueens(const options& o) {
  need_one_worker(o);
  const std::size_t n = o.size_or(12);
  if (n > most_queens) throw unavailable("nqueens: 16 at most");
  const stopwatch watch;
  const std::uint64_t solutions = queens_node(queens(static_cast<unsigned>(n)));
  const double ms = watch.ms();
  check_equal("the number of solutions", solutions, queens_solutions[n]);
  return {{"ms", ms}};
}

figures matmul_blocks(const options& o) {
  need_one_worker(o);
  matmul product(o.size_or(1024));
  const stopwatch watch;
  for (std::size_t i = 0; i < product.blocks(); ++i) {
    for (std::size_t j = 0; j < product.blocks(); ++j) product.multiply(i, j);
  }
  const double ms = watch.ms();
  product.check();
  return {{"ms", ms}};
}

figures tree_search(const options& o) {
  need_one_worker(o);
  const std::size_t size = o.size_or(tree_default_size);
  const stopwatch watch;
  const std::uint64_t nodes = tree_node(tree_root, tree_root_children(size));
  const double ns = watch.ns();
  check_equal("the number of nodes", nodes, tree_nodes(size));
  return {{"ns", ns / static_cast<double>(nodes)}, {"nodes", static_cast<double>(nodes)}};
}

}  // namespace contenders::serial
