// What structure costs: fork-join beside the serial program, a scope's children, deadlines, all in the same run.
//
//   task_bench [passes]     least and median of the passes (5)
#include <algorithm>   // sort
#include <chrono>      // steady_clock
#include <cstdint>     // uint64_t
#include <cstdio>      // printf
#include <cstdlib>     // atoi
#include <functional>  // function
#include <string>      // names
#include <vector>      // samples

#include <weft/weft.hpp>

namespace {

using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

double ns_per(double operations, steady::time_point start) {
  return std::chrono::duration<double, std::nano>(steady::now() - start).count() / operations;
}

constexpr int fib_of = 32;
constexpr double fib_calls = 7'049'155;  // calls of the serial program; half as many forks

[[gnu::noinline]] int serial_fib(int n) { return n < 2 ? n : serial_fib(n - 1) + serial_fib(n - 2); }

int forked_fib(int n) {
  if (n < 2) return n;
  int a = 0, b = 0;
  weft::parallel_invoke([&] { a = forked_fib(n - 1); }, [&] { b = forked_fib(n - 2); });
  return a + b;
}

volatile int sink;

double serial() {
  volatile int n = fib_of;
  const auto start = steady::now();
  sink = serial_fib(n);
  return ns_per(fib_calls, start);
}

double forked(unsigned workers) {
  return weft::run({.workers = workers}, [] {
    const auto start = steady::now();
    sink = forked_fib(fib_of);
    return ns_per(fib_calls, start);
  });
}

// One leaf in ten, by fibers in scopes.
std::uint64_t skynet(std::uint64_t number, std::uint64_t size) {
  if (size == 1) return number;
  std::uint64_t sums[10];
  weft::scope s;
  for (std::uint64_t i = 0; i < 10; ++i) {
    s.spawn([&sums, i, number, size] { sums[i] = skynet(number + i * (size / 10), size / 10); });
  }
  s.join();
  std::uint64_t sum = 0;
  for (const std::uint64_t n : sums) sum += n;
  return sum;
}

std::uint64_t skynet_forked(std::uint64_t number, std::uint64_t size) {
  if (size == 1) return number;
  return weft::parallel_reduce(std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{0}, std::plus<>(),
                               [=](std::uint64_t i) { return skynet_forked(number + i * (size / 10), size / 10); });
}

double skynet_ms(unsigned workers, std::uint64_t (*run)(std::uint64_t, std::uint64_t)) {
  return weft::run({.workers = workers}, [run] {
    const auto start = steady::now();
    if (run(0, 1'000'000) != 499'999'500'000) std::abort();
    return ns_per(1e6, start);
  });
}

double scope_child() {
  return weft::run({.workers = 1}, [] {
    constexpr int rounds = 200, children = 1000;
    const auto start = steady::now();
    for (int i = 0; i < rounds; ++i) {
      weft::scope s;
      for (int k = 0; k < children; ++k) s.spawn([] {});
      s.join();
    }
    return ns_per(rounds * children, start);
  });
}

double deadline() {
  return weft::run({.workers = 1}, [] {
    constexpr int rounds = 1'000'000;
    const auto start = steady::now();
    for (int i = 0; i < rounds; ++i) weft::with_timeout(1s, [i] { sink = i; });
    return ns_per(rounds, start);
  });
}

struct row {
  std::string name;
  std::function<double()> run;
  std::vector<double> samples{};
};

}  // namespace

int main(int argc, char** argv) {
  const int passes = argc > 1 ? std::atoi(argv[1]) : 5;
  std::vector<row> rows;
  rows.push_back({"fib(32), serial, ns a call", serial});
  rows.push_back({"fib(32), fork-join, 1 worker, ns a call", [] { return forked(1); }});
  rows.push_back({"fib(32), fork-join, 2 workers", [] { return forked(2); }});
  rows.push_back({"skynet, parallel_reduce, 1 worker, ms", [] { return skynet_ms(1, skynet_forked); }});
  rows.push_back({"skynet, parallel_reduce, 2 workers, ms", [] { return skynet_ms(2, skynet_forked); }});
  rows.push_back({"skynet, scopes, 1 worker, ms", [] { return skynet_ms(1, skynet); }});
  rows.push_back({"skynet, scopes, 2 workers, ms", [] { return skynet_ms(2, skynet); }});
  rows.push_back({"scope, a child of a thousand, ns", scope_child});
  rows.push_back({"with_timeout around nothing, ns", deadline});
  for (int p = 0; p < passes; ++p) {
    for (row& r : rows) r.samples.push_back(r.run());
  }
  std::printf("%-44s %10s %10s\n", "", "least", "median");
  for (row& r : rows) {
    std::sort(r.samples.begin(), r.samples.end());
    std::printf("%-44s %10.1f %10.1f\n", r.name.c_str(), r.samples.front(), r.samples[r.samples.size() / 2]);
  }
}
