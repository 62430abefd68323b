// Measuring: the least and the median of seven runs. On a shared machine the least is what the code costs, and the
// distance to the median is how much the machine was shared.
#pragma once
#include <algorithm>  // sort
#include <array>      // the runs
#include <chrono>     // steady_clock
#include <cstdio>     // printf

namespace steps {

inline constexpr int runs = 7;

// Runs body() seven times after once for warmth; body returns how many operations it did. Prints and returns the least
// time of an operation, in nanoseconds.
template <class Body>
double measure(const char* what, Body&& body) {
  std::array<double, runs> ns{};
  static_cast<void>(body());
  for (double& one : ns) {
    const auto start = std::chrono::steady_clock::now();
    const auto operations = body();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    one = took.count() / static_cast<double>(operations);
  }
  std::sort(ns.begin(), ns.end());
  std::printf("%-64s %12.1f / %.1f ns\n", what, ns.front(), ns[runs / 2]);
  std::fflush(stdout);
  return ns.front();
}

}  // namespace steps
