// The workloads of bench_asio, one function each; the files are named after what they have in common.
#pragma once
#include "contenders/common/program.hpp"

namespace contenders::on_asio {

measurement yield, yield_shuffled;                   // yielding.cpp
measurement spawn_join, spawn_batch, skynet;         // spawning.cpp
measurement parked, idle;                            // parking.cpp
measurement ping_event, ping_channel, many_channel;  // messages.cpp
measurement sleepers, timer_cancel;                  // timers.cpp
measurement spawn_outside, post, wake;               // outside.cpp
measurement stall;                                   // stall.cpp

}  // namespace contenders::on_asio
