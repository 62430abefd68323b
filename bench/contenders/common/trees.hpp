// The trees that fork-join workloads walk: what a node's children are, and what must come out. How a node runs its
// children side by side is the contender's.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t

#include "contenders/common/random.hpp"

namespace contenders {

// fib(n) without a cut-off: each call with n >= 2 forks both halves.
constexpr std::uint64_t fib_value(unsigned n) {
  std::uint64_t a = 0, b = 1;
  for (unsigned i = 0; i < n; ++i) {
    const std::uint64_t next = a + b;
    a = b;
    b = next;
  }
  return a;
}
constexpr std::uint64_t fib_calls(unsigned n) { return 2 * fib_value(n + 1) - 1; }

// skynet: a node of `count` leaves that begin with number `first` has ten children; a single leaf gives its number.
constexpr std::size_t skynet_children = 10;
constexpr std::uint64_t skynet_sum(std::uint64_t leaves) { return leaves * (leaves - 1) / 2; }
constexpr bool skynet_size_fits(std::uint64_t leaves) {
  while (leaves > 1 && leaves % skynet_children == 0) leaves /= skynet_children;
  return leaves == 1;
}

// n queens: a row's free columns as bits.
struct queens {
  std::uint32_t all;  // the n columns
  std::uint32_t columns = 0, left = 0, right = 0;

  explicit constexpr queens(unsigned n) : all((1U << n) - 1) {}
  constexpr std::uint32_t free() const { return all & ~(columns | left | right); }
  constexpr bool done() const { return columns == all; }
  constexpr queens with(std::uint32_t column_bit) const {
    queens next = *this;
    next.columns |= column_bit;
    next.left = (left | column_bit) << 1;
    next.right = (right | column_bit) >> 1;
    return next;
  }
};
constexpr unsigned most_queens = 16;
constexpr std::uint64_t queens_solutions[most_queens + 1] = {1,   1,   0,    0,     2,     10,     4,       40,      92,
                                                             352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512};

// tree_search: the root is number 0 and has size / 100 children, every other node a geometric number of them with mean
// 0.99: as often as a draw of 64 bits is less than 0.99 / 1.99 of all. A subtree has 100 nodes in the mean.
constexpr std::size_t tree_default_size = 200'000;
constexpr std::uint64_t tree_root = 0;
constexpr std::size_t tree_root_children(std::size_t size) { return size < 100 ? 1 : size / 100; }
constexpr std::uint64_t tree_child(std::uint64_t node, std::uint64_t i) { return splitmix64(node + 1 + i); }
constexpr std::size_t tree_children(std::uint64_t node) {
  constexpr std::uint64_t limit = 0x7f5b5630e2697cc8;
  std::size_t n = 0;
  for (std::uint64_t draw = splitmix64(node); draw < limit; draw = splitmix64(draw)) ++n;
  return n;
}
inline std::uint64_t tree_nodes_below(std::uint64_t node) {  // the node itself counted
  std::uint64_t nodes = 1;
  const std::size_t children = tree_children(node);
  for (std::size_t i = 0; i < children; ++i) nodes += tree_nodes_below(tree_child(node, i));
  return nodes;
}
inline std::uint64_t tree_nodes(std::size_t size) {  // all, counted serially
  std::uint64_t nodes = 1;
  for (std::size_t i = 0; i < tree_root_children(size); ++i) nodes += tree_nodes_below(tree_child(tree_root, i));
  return nodes;
}

}  // namespace contenders
