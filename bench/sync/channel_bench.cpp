// What a message costs over channels, and a choice by select, beside event ping-pong and two bare locked sections in the same
// run.
//
//   channel_bench [passes]     nanoseconds a message, least and median of the passes (7)
// The passes of all rows take turns, so that a drift of the machine's speed meets them alike.
#include <algorithm>   // sort
#include <atomic>      // the raw lock
#include <chrono>      // steady_clock
#include <cstdint>     // uint64_t
#include <cstdio>      // printf
#include <cstdlib>     // atoi
#include <functional>  // function
#include <memory>      // unique_ptr
#include <optional>    // optional
#include <string>      // names
#include <vector>      // fibers, samples

#include <weft/weft.hpp>

namespace {

using steady = std::chrono::steady_clock;

double ns_per(std::uint64_t operations, steady::time_point start) {
  return std::chrono::duration<double, std::nano>(steady::now() - start).count() / static_cast<double>(operations);
}

double event_ping_pong() {
  constexpr std::uint64_t rounds = 300'000;
  return weft::run({.workers = 1}, [] {
    weft::event ping, pong;
    auto echo = weft::spawn([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        ping.wait();
        ping.reset();
        pong.set();
      }
    });
    weft::this_fiber::yield();
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      ping.set();
      pong.wait();
      pong.reset();
    }
    const double ns = ns_per(2 * rounds, start);
    echo.join();
    return ns;
  });
}

// What two locked sections cost: the least a buffered message can take.
double two_sections() {
  constexpr std::uint64_t rounds = 5'000'000;
  alignas(64) std::atomic<std::uint64_t> word{0};
  const auto start = steady::now();
  for (std::uint64_t i = 0; i < 2 * rounds; ++i) {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    if (word.compare_exchange_strong(seen, seen | 1, std::memory_order_acquire, std::memory_order_relaxed))
      word.store(seen + 2, std::memory_order_release);
  }
  return ns_per(rounds, start);
}

template <class T>
double ping_pong(unsigned workers, std::size_t capacity) {
  const std::uint64_t rounds = workers == 1 ? 200'000 : 20'000;
  return weft::run({.workers = workers}, [=] {
    weft::channel<T> ping(capacity), pong(capacity);
    auto echo = weft::spawn({.spread = workers > 1}, [&] {
      for (auto& v : ping) pong.send(std::move(v));
    });
    weft::this_fiber::yield();
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      ping.send(T{});
      pong.receive();
    }
    const double ns = ns_per(2 * rounds, start);
    ping.close();
    echo.join();
    return ns;
  });
}

template <class T>
double buffered_alone() {
  constexpr std::uint64_t rounds = 2'000'000;
  return weft::run({.workers = 1}, [] {
    weft::channel<T> c(16);
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      c.send(T{});
      c.receive();
    }
    return ns_per(rounds, start);
  });
}

template <class T>
double many_to_many(unsigned workers, std::size_t capacity) {
  constexpr unsigned parties = 8;
  constexpr std::uint64_t each = 100'000;
  return weft::run({.workers = workers}, [=] {
    weft::channel<T> c(capacity);
    std::vector<weft::fiber<>> all;
    const auto start = steady::now();
    for (unsigned p = 0; p < parties; ++p) {
      all.push_back(weft::spawn({.spread = workers > 1}, [&] {
        for (std::uint64_t i = 0; i < each; ++i) c.send(T{});
      }));
      all.push_back(weft::spawn({.spread = workers > 1}, [&] {
        for (std::uint64_t i = 0; i < each; ++i) c.receive();
      }));
    }
    for (auto& f : all) f.join();
    return ns_per(parties * each, start);
  });
}

double select_ping_pong() {
  constexpr std::uint64_t rounds = 100'000;
  return weft::run({.workers = 1}, [] {
    weft::channel<int> ping, pong, never;
    const auto ignore = [](auto&&) {};
    auto echo = weft::spawn([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        weft::select(weft::on_receive(ping, ignore), weft::on_receive(never, ignore));
        pong.send(1);
      }
    });
    weft::this_fiber::yield();
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      ping.send(1);
      weft::select(weft::on_receive(never, ignore), weft::on_receive(pong, ignore));
    }
    const double ns = ns_per(2 * rounds, start);
    echo.join();
    return ns;
  });
}

double select_ready() {
  constexpr std::uint64_t rounds = 500'000;
  return weft::run({.workers = 1}, [] {
    weft::channel<int> a(1), b(1);
    a.send(1);
    const auto start = steady::now();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      weft::select(weft::on_receive(a, [&](std::optional<int> v) { b.send(*v); }),
                   weft::on_receive(b, [&](std::optional<int> v) { a.send(*v); }));
    }
    return ns_per(rounds, start);
  });
}

struct row {
  std::string name;
  std::function<double()> measure;
  std::vector<double> samples{};
};

}  // namespace

int main(int argc, char** argv) {
  using boxed = std::unique_ptr<int>;
  const int passes = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
  std::vector<row> rows{
      {"two bare locked sections", two_sections},
      {"event ping-pong, 1 worker", event_ping_pong},
      {"ping-pong, rendezvous, int, 1 worker", [] { return ping_pong<int>(1, 0); }},
      {"ping-pong, capacity 1, int, 1 worker", [] { return ping_pong<int>(1, 1); }},
      {"ping-pong, rendezvous, unique_ptr, 1 worker", [] { return ping_pong<boxed>(1, 0); }},
      {"ping-pong, rendezvous, int, 2 workers", [] { return ping_pong<int>(2, 0); }},
      {"send and receive, buffer, int, alone", buffered_alone<int>},
      {"send and receive, buffer, unique_ptr, alone", buffered_alone<boxed>},
      {"8 x 8, capacity 1024, int, 1 worker", [] { return many_to_many<int>(1, 1024); }},
      {"8 x 8, capacity 1024, unique_ptr, 1 worker", [] { return many_to_many<boxed>(1, 1024); }},
      {"8 x 8, capacity 1024, int, 2 workers", [] { return many_to_many<int>(2, 1024); }},
      {"8 x 8, rendezvous, int, 1 worker", [] { return many_to_many<int>(1, 0); }},
      {"select of 2, ping-pong, 1 worker", select_ping_pong},
      {"select of 2, one ready, and a send", select_ready},
  };
  for (int pass = 0; pass < passes; ++pass) {
    for (auto& r : rows) r.samples.push_back(r.measure());
  }
  for (auto& r : rows) {
    std::sort(r.samples.begin(), r.samples.end());
    std::printf("%-58s %9.1f %9.1f ns\n", r.name.c_str(), r.samples.front(), r.samples[r.samples.size() / 2]);
  }
}
