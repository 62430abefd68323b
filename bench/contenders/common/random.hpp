// Chance with a fixed seed, the same in every program and language: splitmix64 as published by Vigna.
#pragma once
#include <chrono>   // sleep times
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <numeric>  // iota
#include <utility>  // swap
#include <vector>   // order

namespace contenders {

constexpr std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// 0 to n - 1 in a random order. Who wakes the next in it, and the last the first, wakes along a random cycle.
inline std::vector<std::uint32_t> random_order(std::size_t n) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[splitmix64(i) % i]);
  return order;
}

// The i-th of the sleeps of `sleepers`: 1 to 2 s.
constexpr std::chrono::nanoseconds sleep_time(std::size_t i) {
  return std::chrono::nanoseconds(1'000'000'000 + splitmix64(i) % 1'000'000'000);
}

}  // namespace contenders
