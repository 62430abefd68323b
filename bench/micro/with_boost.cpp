// Boost.Context and Boost.Fiber.
#include "micro/micro.hpp"

#include <utility>  // move

#include <boost/context/fiber.hpp>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/mutex.hpp>

namespace micro {
namespace {

void context_switch(State& state) {
  bool leave = false;
  boost::context::fiber other{[&leave](boost::context::fiber&& host) {
    while (!leave) host = std::move(host).resume();
    return std::move(host);
  }};
  both_ways(state, [&] { other = std::move(other).resume(); });
  leave = true;
  other = std::move(other).resume();
}

void lock_unlock(State& state) {
  boost::fibers::mutex mutex;
  for (auto _ : state) {
    mutex.lock();
    mutex.unlock();
  }
}

void through_buffer(State& state) {
  boost::fibers::buffered_channel<int> channel(16);
  int value = 0;
  for (auto _ : state) {
    channel.push(1);
    channel.pop(value);
    benchmark::DoNotOptimize(value);
  }
}

}  // namespace

void add_boost() {
  benchmark::RegisterBenchmark("switch/Boost.Context", context_switch);
  benchmark::RegisterBenchmark("lock and unlock/boost::fibers::mutex", lock_unlock);
  benchmark::RegisterBenchmark("send and receive, buffered/boost::fibers::buffered_channel", through_buffer);
}

}  // namespace micro
