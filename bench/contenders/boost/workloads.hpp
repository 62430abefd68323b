// The workloads of bench_boost, one function each; the files are named after what they have in common.
#pragma once
#include "contenders/common/program.hpp"

namespace contenders::boost_fiber {

measurement yield, yield_shuffled;                   // yielding.cpp
measurement spawn_join, spawn_batch;                 // spawning.cpp
measurement parked, sleepers, timer_cancel, idle;    // parking.cpp
measurement ping_event, ping_channel, many_channel;  // messages.cpp
measurement lock, lock_contended, lock_yielding;     // locks.cpp
measurement skynet, matmul_blocks, tree_search;      // fork_join.cpp
measurement spawn_outside, post, wake;               // outside.cpp

}  // namespace contenders::boost_fiber
