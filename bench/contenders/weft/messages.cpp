// Two fibers that send each other messages, and many that share a channel.
#include <atomic>   // sums
#include <cstdint>  // uint64_t
#include <vector>   // fibers

#include "contenders/common/asleep.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {

figures ping_event(const options& o) {
  return inside(o, [&] {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      const std::uint64_t rounds = n / 2;
      weft::event there, back, ready;
      auto echo = weft::spawn(spread_over(o), [&] {
        ready.set();
        for (std::uint64_t i = 0; i < rounds; ++i) {
          there.wait();
          there.reset();
          back.set();
        }
      });
      ready.wait();
      const stopwatch watch;
      for (std::uint64_t i = 0; i < rounds; ++i) {
        there.set();
        back.wait();
        back.reset();
      }
      const double ns = watch.ns();
      echo.join();
      return {ns, 2 * rounds};
    });
  });
}

namespace {

timed ping(const options& o, std::uint64_t n) {
  const std::uint64_t rounds = n / 2;
  weft::channel<int> there(o.size), back(o.size);
  weft::event ready;
  std::uint64_t sum = 0;
  auto echo = weft::spawn(spread_over(o), [&] {
    ready.set();
    for (const int value : there) back.send(value);
  });
  ready.wait();
  const stopwatch watch;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    there.send(1);
    sum += static_cast<std::uint64_t>(back.receive().value());
  }
  const double ns = watch.ns();
  there.close();
  echo.join();
  check_equal("the sum of messages", sum, rounds);
  return {ns, 2 * rounds};
}

// The receiving fiber is the only one of its worker, so that one sleeps when it waits.
timed ping_asleep(const options& o, std::uint64_t n) {
  weft::channel<int> channel(o.size);
  weft::promise<pid_t> worker;
  moment received;
  auto receiver = weft::spawn(spread_over(o), [&] {
    worker.set_value(this_thread_id());
    while (channel.receive()) received.is_now();
  });
  const pid_t of_receiver = worker.get_future().get();
  if (of_receiver == this_thread_id()) throw unavailable("ping_channel: both fibers are on one worker");
  const thread_state state(of_receiver);
  const timed result = send_to_sleeper(n, state, received, [&] { channel.send(1); });
  channel.close();
  receiver.join();
  return result;
}

}  // namespace

figures ping_channel(const options& o) {
  const bool asleep = o.has("asleep");
  if (asleep && o.workers < 2) throw unavailable("ping_channel: for a receiver that sleeps it takes two workers");
  return inside(o,
                [&] { return repeat(o, 0, [&](std::uint64_t n) { return asleep ? ping_asleep(o, n) : ping(o, n); }); });
}

figures many_channel(const options& o) {
  constexpr std::size_t sides = 8;
  const std::size_t capacity = o.size_or(1024);
  return inside(o, [&] {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      const std::uint64_t each = n / sides;
      weft::channel<int> channel(capacity);
      std::atomic<std::uint64_t> sum{0};
      std::vector<weft::fiber<>> senders, receivers;
      const stopwatch watch;
      for (std::size_t s = 0; s < sides; ++s) {
        receivers.push_back(weft::spawn(spread_over(o), [&] {
          std::uint64_t mine = 0;
          for (const int value : channel) mine += static_cast<std::uint64_t>(value);
          sum.fetch_add(mine, std::memory_order_relaxed);  // relaxed: read after join()
        }));
        senders.push_back(weft::spawn(spread_over(o), [&] {
          for (std::uint64_t i = 0; i < each; ++i) channel.send(1);
        }));
      }
      join_all(senders);
      channel.close();
      join_all(receivers);
      const double ns = watch.ns();
      check_equal("the sum of messages", sum.load(std::memory_order_relaxed), sides * each);  // relaxed: all are joined
      return {ns, sides * each};
    });
  });
}

}  // namespace contenders::on_weft
