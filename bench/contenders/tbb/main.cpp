// bench_tbb: fork-join on oneTBB, which knows nothing else.
//
// An arena of as many threads as there are workers, the calling one included; what TBB's own manual recommends for each
// shape: parallel_invoke for two halves, a task_group whose last child is run by the waiting task for more, a blocked
// range for the product. Its threads start before the time begins.
#include <atomic>   // threads that are awake
#include <cstdint>  // uint64_t
#include <numeric>  // reduce
#include <thread>   // yield
#include <vector>   // children's results

#include <tbb/blocked_range2d.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "contenders/common/errors.hpp"
#include "contenders/common/matmul.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/trees.hpp"

namespace {

using namespace contenders;

// A task for each of 0 to count - 1 but the last, which the waiting one runs itself.
template <class Body>
void fork_all(std::size_t count, const Body& body) {
  if (count == 0) return;
  tbb::task_group children;
  for (std::size_t i = 0; i + 1 < count; ++i) children.run([&body, i] { body(i); });
  children.run_and_wait([&body, count] { body(count - 1); });
}

std::uint64_t fib_node(unsigned n) {
  if (n < 2) return n;
  std::uint64_t first = 0, second = 0;
  tbb::parallel_invoke([&] { first = fib_node(n - 1); }, [&] { second = fib_node(n - 2); });
  return first + second;
}

std::uint64_t skynet_node(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  std::uint64_t sums[skynet_children];
  const std::uint64_t below = leaves / skynet_children;
  fork_all(skynet_children, [&](std::size_t i) { sums[i] = skynet_node(first + i * below, below); });
  return std::reduce(std::begin(sums), std::end(sums));
}

std::uint64_t queens_node(const queens& board) {
  if (board.done()) return 1;
  std::uint32_t places[most_queens];
  std::uint64_t solutions[most_queens] = {};
  std::size_t count = 0;
  for (std::uint32_t free = board.free(); free != 0; free &= free - 1) places[count++] = free & (~free + 1);
  fork_all(count, [&](std::size_t i) { solutions[i] = queens_node(board.with(places[i])); });
  return std::reduce(std::begin(solutions), std::end(solutions));
}

std::uint64_t tree_node(std::uint64_t node, std::size_t children) {
  std::vector<std::uint64_t> nodes(children);
  fork_all(children, [&](std::size_t i) {
    const std::uint64_t child = tree_child(node, i);
    nodes[i] = tree_node(child, tree_children(child));
  });
  return std::reduce(nodes.begin(), nodes.end(), std::uint64_t{1});
}

// Runs `body` in an arena whose threads are all awake, and gives the milliseconds that it took.
template <class Body>
double timed_ms(const options& o, Body&& body) {
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, o.workers);
  tbb::task_arena arena(static_cast<int>(o.workers));
  double ms = 0;
  arena.execute([&] {
    std::atomic<unsigned> here{0};
    fork_all(o.workers, [&](std::size_t) {
      ++here;
      while (here < o.workers) std::this_thread::yield();
    });
    const stopwatch watch;
    body();
    ms = watch.ms();
  });
  return ms;
}

figures fib(const options& o) {
  const auto n = static_cast<unsigned>(o.size_or(35));
  std::uint64_t value = 0;
  const double ms = timed_ms(o, [&] { value = fib_node(n); });
  check_equal("fib", value, fib_value(n));
  return {{"ns", ms * 1e6 / static_cast<double>(fib_calls(n))}, {"ms", ms}};
}

// Its tasks are no fibers, so this is the variant `forkjoin` only.
figures skynet(const options& o) {
  if (!o.has("forkjoin")) throw unavailable("skynet: the variant forkjoin alone");
  const std::size_t leaves = o.size_or(1'000'000);
  if (!skynet_size_fits(leaves)) throw unavailable("skynet: the size must be a power of ten");
  std::uint64_t sum = 0;
  const double ms = timed_ms(o, [&] { sum = skynet_node(0, leaves); });
  check_equal("the sum", sum, skynet_sum(leaves));
  return {{"ms", ms}};
}

figures nqueens(const options& o) {
  const std::size_t n = o.size_or(12);
  if (n > most_queens) throw unavailable("nqueens: 16 at most");
  std::uint64_t solutions = 0;
  const double ms = timed_ms(o, [&] { solutions = queens_node(queens(static_cast<unsigned>(n))); });
  check_equal("the number of solutions", solutions, queens_solutions[n]);
  return {{"ms", ms}};
}

figures matmul_blocks(const options& o) {
  matmul product(o.size_or(1024));
  const double ms = timed_ms(o, [&] {
    using range = tbb::blocked_range2d<std::size_t>;
    tbb::parallel_for(range(0, product.blocks(), 0, product.blocks()), [&](const range& part) {
      for (std::size_t i = part.rows().begin(); i < part.rows().end(); ++i) {
        for (std::size_t j = part.cols().begin(); j < part.cols().end(); ++j) product.multiply(i, j);
      }
    });
  });
  product.check();
  return {{"ms", ms}};
}

figures tree_search(const options& o) {
  const std::size_t size = o.size_or(tree_default_size);
  std::uint64_t nodes = 0;
  const double ms = timed_ms(o, [&] { nodes = tree_node(tree_root, tree_root_children(size)); });
  check_equal("the number of nodes", nodes, tree_nodes(size));
  return {{"ns", ms * 1e6 / static_cast<double>(nodes)}, {"nodes", static_cast<double>(nodes)}};
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv,
             {
                 {"skynet", skynet, {"forkjoin"}},
                 {"fib", fib},
                 {"nqueens", nqueens},
                 {"matmul", matmul_blocks},
                 {"tree_search", tree_search},
             });
}
