// bench_std: what the language, its library and the kernel do by themselves. Limits, mostly: a contender can hardly
// beat the coroutine that saves nothing, the loop that only touches stacks, the futex, and the serial recursion.
#include "contenders/common/program.hpp"
#include "contenders/std/workloads.hpp"

namespace {

using namespace contenders;

// Coroutines unless threads are asked for.
figures yield(const options& o) { return o.has("thread") ? threads::yield(o) : coroutines::yield(o); }
figures parked(const options& o) {
  if (o.has("bare")) return bare::parked(o);
  return o.has("thread") ? threads::parked(o) : coroutines::parked(o);
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv,
             {
                 {"yield", yield, {"coroutine", "thread"}},
                 {"yield_shuffled", coroutines::yield_shuffled, {"coroutine"}},
                 {"spawn_join", threads::spawn_join},
                 {"spawn_batch", threads::spawn_batch},
                 {"parked", parked, {"coroutine", "thread", "bare", "warm"}},
                 {"ping_event", by_futex::ping_event},
                 {"ping_channel", by_futex::ping_channel, {"asleep"}},
                 {"lock", locks::lock, {"spin"}},
                 {"lock_contended", locks::lock_contended, {"spin"}},
                 {"skynet", serial::skynet},
                 {"fib", serial::fib},
                 {"nqueens", serial::nqueens},
                 {"matmul", serial::matmul_blocks},
                 {"tree_search", serial::tree_search},
                 {"sleepers", bare::sleepers, {"bare"}},
                 {"wake", by_futex::wake},
                 {"idle", threads::idle},
                 {"stall", threads::stall},
             });
}
