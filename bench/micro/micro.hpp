// What the benchmarks share. Each is registered under "operation/contender"; the time of one iteration is that of one
// operation.
#pragma once
#include <cstdint>  // uint64_t
#include <utility>  // forward

#include <benchmark/benchmark.h>

#include <weft/weft.hpp>

namespace micro {

using benchmark::State;

constexpr std::int64_t batch = 1000;

// `round()` is two operations: there and back.
template <class Round>
void both_ways(State& state, Round&& round) {
  while (state.KeepRunningBatch(2 * batch)) {
    for (std::int64_t i = 0; i < batch; ++i) round();
  }
}

// The whole loop is in a fiber, and with it the clock of the benchmark: it is alone on its worker.
template <class Body>
void in_fiber(Body&& body) {
  weft::run(weft::runtime_options{.workers = 1}, std::forward<Body>(body));
}

void add_switches();
void add_locks();
void add_messages();
void add_values();
void add_boost();  // nothing where Boost.Fiber is missing

}  // namespace micro
