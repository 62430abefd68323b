// The workloads of bench/README.md on weft.
#pragma once
#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders::on_weft {

figures yield(const options& o);
figures yield_shuffled(const options& o);
figures spawn_join(const options& o);
figures spawn_batch(const options& o);
figures spawn_outside(const options& o);
figures parked(const options& o);
figures ping_event(const options& o);
figures ping_channel(const options& o);
figures many_channel(const options& o);
figures lock(const options& o);
figures lock_contended(const options& o);
figures lock_yielding(const options& o);
figures skynet(const options& o);
figures fib(const options& o);
figures nqueens(const options& o);
figures matmul_blocks(const options& o);
figures tree_search(const options& o);
figures sleepers(const options& o);
figures timer_cancel(const options& o);
figures post(const options& o);
figures wake(const options& o);
figures idle(const options& o);
figures stall(const options& o);

}  // namespace contenders::on_weft
