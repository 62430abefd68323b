// Messages that need no wait, and a choice of which one case is ready.
#include <atomic>    // the bare lock
#include <cstdint>   // uint64_t
#include <optional>  // optional

#include "micro/micro.hpp"

namespace micro {
namespace {

// Two bare locked sections: the least that a send and a receive through a buffer can take.
void two_locked_sections(State& state) {
  alignas(64) std::atomic<std::uint64_t> word{0};
  const auto section = [&] {
    std::uint64_t seen = word.load(std::memory_order_relaxed);  // relaxed: checked by the exchange
    // Acquire pairs with the store, as in a lock that is fought over. Failure relaxed: there is none.
    if (word.compare_exchange_strong(seen, seen | 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      word.store(seen + 2, std::memory_order_release);  // pairs with the exchange
    }
  };
  for (auto _ : state) {
    section();
    section();
  }
}

void through_buffer(State& state) {
  in_fiber([&] {
    weft::channel<int> channel(16);
    for (auto _ : state) {
      channel.send(1);
      benchmark::DoNotOptimize(channel.receive());
    }
  });
}

// One of two is ready; the function of the chosen case makes the other one ready.
void select_ready(State& state) {
  in_fiber([&] {
    weft::channel<int> a(1), b(1);
    a.send(1);
    for (auto _ : state) {
      weft::select(weft::on_receive(a, [&](std::optional<int> value) { b.send(*value); }),
                   weft::on_receive(b, [&](std::optional<int> value) { a.send(*value); }));
    }
  });
}

}  // namespace

void add_messages() {
  benchmark::RegisterBenchmark("send and receive, buffered/two bare locked sections", two_locked_sections);
  benchmark::RegisterBenchmark("send and receive, buffered/weft::channel", through_buffer);
  benchmark::RegisterBenchmark("select of 2, one ready, and a send/weft::select", select_ready);
}

}  // namespace micro
