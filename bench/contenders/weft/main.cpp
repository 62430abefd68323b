// bench_weft: weft, by its public interface alone.
#include "contenders/common/program.hpp"
#include "contenders/weft/workloads.hpp"

int main(int argc, char** argv) {
  using namespace contenders::on_weft;
  return contenders::run(argc, argv,
                         {
                             {"yield", yield},
                             {"yield_shuffled", yield_shuffled},
                             {"spawn_join", spawn_join},
                             {"spawn_batch", spawn_batch},
                             {"spawn_outside", spawn_outside},
                             {"parked", parked, {"warm"}},
                             {"ping_event", ping_event},
                             {"ping_channel", ping_channel, {"asleep"}},
                             {"many_channel", many_channel},
                             {"lock", lock},
                             {"lock_contended", lock_contended},
                             {"lock_yielding", lock_yielding},
                             {"skynet", skynet, {"channel", "forkjoin"}},
                             {"fib", fib},
                             {"nqueens", nqueens},
                             {"matmul", matmul_blocks},
                             {"tree_search", tree_search},
                             {"sleepers", sleepers},
                             {"timer_cancel", timer_cancel},
                             {"post", post},
                             {"wake", wake},
                             {"idle", idle},
                             {"stall", stall},
                         });
}
