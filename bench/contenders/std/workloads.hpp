// The workloads of bench_std, one function each; files and namespaces are named after what they measure.
#pragma once
#include "contenders/common/program.hpp"

namespace contenders {

namespace coroutines {  // C++20 coroutines on an executor of one queue
measurement yield, yield_shuffled, parked;
}
namespace threads {  // std::thread
measurement yield, spawn_join, spawn_batch, parked, idle, stall;
}
namespace bare {  // what the kernel takes for as many stacks
measurement parked, sleepers;
}
namespace by_futex {  // messages between two threads
measurement ping_event, ping_channel, wake;
}
namespace locks {  // std::mutex and a spin lock
measurement lock, lock_contended;
}
namespace serial {  // what fork-join may lose against
measurement skynet, fib, nqueens, matmul_blocks, tree_search;
}

}  // namespace contenders
