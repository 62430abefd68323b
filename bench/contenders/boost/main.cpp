// bench_boost: Boost.Fiber.
#include "contenders/boost/workloads.hpp"
#include "contenders/common/program.hpp"

int main(int argc, char** argv) {
  using namespace contenders::boost_fiber;
  return contenders::run(argc, argv,
                         {
                             {"yield", yield},
                             {"yield_shuffled", yield_shuffled},
                             {"spawn_join", spawn_join},
                             {"spawn_batch", spawn_batch},
                             {"spawn_outside", spawn_outside},
                             {"parked", parked, {"warm", "guarded"}},
                             {"ping_event", ping_event},
                             {"ping_channel", ping_channel, {"asleep"}},
                             {"many_channel", many_channel},
                             {"lock", lock},
                             {"lock_contended", lock_contended},
                             {"lock_yielding", lock_yielding},
                             {"skynet", skynet, {"channel"}},
                             {"matmul", matmul_blocks},
                             {"tree_search", tree_search},
                             {"sleepers", sleepers},
                             {"timer_cancel", timer_cancel},
                             {"post", post},
                             {"wake", wake},
                             {"idle", idle},
                         });
}
