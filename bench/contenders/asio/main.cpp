// bench_asio: C++20 coroutines on standalone Asio, 1.22 or later. It has no mutex and no fork-join; strands, which it has
// instead of locks, order callbacks and are not compared with one.
#include "contenders/asio/workloads.hpp"

int main(int argc, char** argv) {
  using namespace contenders::on_asio;
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
                             {"skynet", skynet, {"channel"}},
                             {"sleepers", sleepers},
                             {"timer_cancel", timer_cancel},
                             {"post", post},
                             {"wake", wake},
                             {"idle", idle},
                             {"stall", stall},
                         });
}
