// A runtime of weft as the options ask for it.
#pragma once
#include <algorithm>  // max
#include <cstddef>    // size_t
#include <utility>    // forward
#include <vector>     // fibers

#include <weft/weft.hpp>

#include "contenders/common/options.hpp"

namespace contenders::on_weft {

inline weft::runtime_options runtime_for(const options& o) {
  weft::runtime_options wanted;
  wanted.workers = o.workers;
  wanted.stack_size = o.stack_or(wanted.stack_size);
  return wanted;
}

// Fibers that are started long before they end go to all workers in equal numbers, rather than where they were spawned.
inline weft::fiber_options spread_over(const options& o) { return {.spread = o.workers > 1}; }

// `body` as a fiber of such a runtime. This one's stack is never smaller than usual, whatever --stack asks for.
template <class Body>
auto inside(const options& o, Body&& body) {
  const weft::runtime_options wanted = runtime_for(o);
  const std::size_t own_stack = std::max(wanted.stack_size, weft::runtime_options().stack_size);
  weft::runtime runtime(wanted);
  return runtime.spawn({.name = "benchmark", .stack_size = own_stack}, std::forward<Body>(body)).join();
}

inline void join_all(std::vector<weft::fiber<>>& all) {
  for (auto& f : all) f.join();
  all.clear();
}

}  // namespace contenders::on_weft
