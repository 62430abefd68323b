// Two fibers that send each other messages, and many that share a channel.
//
// With two workers they are two threads with the default scheduler, round robin, which stays on its thread: one fiber on
// each, as wanted. Work stealing would bring both together.
#include <algorithm>  // max
#include <atomic>     // sums
#include <bit>        // bit_ceil
#include <cstdint>    // uint64_t
#include <future>     // promise
#include <memory>     // unique_ptr
#include <mutex>      // unique_lock
#include <thread>     // the other side
#include <vector>     // fibers

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/asleep.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::boost_fiber {
namespace {

// What comes nearest to an event.
class flag {
 public:
  void set() {
    {
      const std::unique_lock guard(lock_);
      set_ = true;
    }
    changed_.notify_one();
  }
  void wait_and_reset() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [&] { return set_; });
    set_ = false;
  }

 private:
  fibers::mutex lock_;
  fibers::condition_variable changed_;
  bool set_ = false;
};

// Runs `echo` and `ask`: as two fibers of this thread, or on a thread each.
template <class Echo, class Ask>
double beside(const options& o, Echo&& echo, Ask&& ask) {
  if (o.workers == 1) {
    fibers::pooled_fixedsize_stack stacks(o.stack_or(stack_bytes));
    double ns = 0;
    fibers::fiber first = spawn(stacks, echo);
    fibers::fiber second = spawn(stacks, [&] { ns = ask(); });
    first.join();
    second.join();
    return ns;
  }
  if (o.workers != 2) throw unavailable(o.workload + " has one or two workers");
  std::thread other(echo);
  const double ns = ask();
  other.join();
  return ns;
}

options on_one_thread(options o) {  // where `beside` makes the second thread itself
  o.workers = 1;
  return o;
}

// The smallest number of places that there can be is two, of which one stays free.
std::unique_ptr<fibers::buffered_channel<int>> buffered(std::size_t capacity) {
  return std::make_unique<fibers::buffered_channel<int>>(std::bit_ceil(std::max<std::size_t>(capacity, 2)));
}
std::unique_ptr<fibers::unbuffered_channel<int>> unbuffered() {
  return std::make_unique<fibers::unbuffered_channel<int>>();
}

template <class Make>
timed ping(const options& o, std::uint64_t n, Make make) {
  const std::uint64_t rounds = n / 2;
  const auto there = make(), back = make();
  std::uint64_t sum = 0;
  const double ns = beside(
      o,
      [&] {
        int value = 0;
        while (there->pop(value) == fibers::channel_op_status::success) back->push(value);
      },
      [&] {
        const stopwatch watch;
        int value = 0;
        for (std::uint64_t i = 0; i < rounds; ++i) {
          there->push(1);
          back->pop(value);
          sum += static_cast<std::uint64_t>(value);
        }
        const double took = watch.ns();
        there->close();
        return took;
      });
  check_equal("the sum of messages", sum, rounds);
  return {ns, 2 * rounds};
}

template <class Make>
timed ping_asleep(std::uint64_t n, Make make) {
  const auto channel = make();
  moment received;
  std::promise<pid_t> id;
  std::thread receiver([&] {
    id.set_value(this_thread_id());
    for (int value = 0; channel->pop(value) == fibers::channel_op_status::success;) received.is_now();
  });
  const thread_state state(id.get_future().get());
  const timed result = send_to_sleeper(n, state, received, [&] { channel->push(1); });
  channel->close();
  receiver.join();
  return result;
}

}  // namespace

figures ping_event(const options& o) {
  return inside(on_one_thread(o), [&](auto&) {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      const std::uint64_t rounds = n / 2;
      flag there, back;
      const double ns = beside(
          o,
          [&] {
            for (std::uint64_t i = 0; i < rounds; ++i) {
              there.wait_and_reset();
              back.set();
            }
          },
          [&] {
            const stopwatch watch;
            for (std::uint64_t i = 0; i < rounds; ++i) {
              there.set();
              back.wait_and_reset();
            }
            return watch.ns();
          });
      return {ns, 2 * rounds};
    });
  });
}

figures ping_channel(const options& o) {
  const auto measure = [&](auto make) {
    return inside(on_one_thread(o), [&](auto&) {
      return repeat(o, 0, [&](std::uint64_t n) { return o.has("asleep") ? ping_asleep(n, make) : ping(o, n, make); });
    });
  };
  return o.size == 0 ? measure(unbuffered) : measure([&] { return buffered(o.size); });
}

figures many_channel(const options& o) {
  constexpr std::size_t sides = 8;
  const std::size_t capacity = o.size_or(1024);
  return inside(o, [&](auto& stacks) {
    return repeat(o, 0, [&](std::uint64_t n) -> timed {
      const std::uint64_t each = n / sides;
      const auto channel = buffered(capacity);
      std::atomic<std::uint64_t> sum{0};
      std::vector<fibers::fiber> senders, receivers;
      const stopwatch watch;
      for (std::size_t s = 0; s < sides; ++s) {
        receivers.push_back(spawn(stacks, [&] {
          std::uint64_t mine = 0;
          for (int value = 0; channel->pop(value) == fibers::channel_op_status::success;) {
            mine += static_cast<std::uint64_t>(value);
          }
          sum += mine;
        }));
        senders.push_back(spawn(stacks, [&] {
          for (std::uint64_t i = 0; i < each; ++i) channel->push(1);
        }));
      }
      join_all(senders);
      channel->close();
      join_all(receivers);
      const double ns = watch.ns();
      check_equal("the sum of messages", sum.load(), sides * each);
      return {ns, sides * each};
    });
  });
}

}  // namespace contenders::boost_fiber
