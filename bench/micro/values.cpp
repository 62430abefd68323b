// Values: a fiber's own, the time, the next of a generator.
#include <chrono>     // steady_clock
#include <coroutine>  // the stackless generator
#include <cstdint>    // uint64_t
#include <exception>  // terminate

#include <weft/base/cpu.hpp>  // read_cycles

#include "micro/micro.hpp"

namespace micro {
namespace {

void fiber_local_access(State& state) {
  in_fiber([&] {
    weft::fiber_local<std::uint64_t> value;
    for (auto _ : state) benchmark::DoNotOptimize(++*value);
  });
}

thread_local std::uint64_t of_this_thread = 0;
void thread_local_access(State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(++of_this_thread);
}

void read_steady_clock(State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}
void read_cycle_counter(State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(weft::detail::read_cycles());
}

void weft_generator(State& state) {
  weft::generator<const std::uint64_t&> numbers{[](auto& yield) {
    for (std::uint64_t i = 0;; ++i) yield(i);
  }};
  auto next = numbers.begin();
  for (auto _ : state) {
    ++next;
    benchmark::DoNotOptimize(*next);
  }
}

// As std::generator does it, which the compilers used here have not.
struct stackless_numbers {
  struct promise_type {
    const std::uint64_t* value = nullptr;
    stackless_numbers get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(const std::uint64_t& yielded) noexcept {
      value = &yielded;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
[[gnu::noinline]] stackless_numbers count() {
  for (std::uint64_t i = 0;; ++i) co_yield i;
}
void cpp_generator(State& state) {
  const stackless_numbers numbers = count();
  for (auto _ : state) {
    numbers.handle.resume();
    benchmark::DoNotOptimize(*numbers.handle.promise().value);
  }
  numbers.handle.destroy();
}

}  // namespace

void add_values() {
  benchmark::RegisterBenchmark("own value/weft::fiber_local", fiber_local_access);
  benchmark::RegisterBenchmark("own value/thread_local", thread_local_access);
  benchmark::RegisterBenchmark("clock read/steady_clock", read_steady_clock);
  benchmark::RegisterBenchmark("clock read/cycle counter", read_cycle_counter);
  benchmark::RegisterBenchmark("generator next/weft::generator", weft_generator);
  benchmark::RegisterBenchmark("generator next/C++20 coroutine", cpp_generator);
}

}  // namespace micro
