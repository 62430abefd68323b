// Two coroutines that send each other messages, and many that share a channel.
#include <atomic>   // sums
#include <cstdint>  // uint64_t
#include <future>   // the receiver's thread

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/asleep.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::on_asio {
namespace {

// As an event, a channel with one place: set() is to try and send, and finds no place when it is set already. A timer
// that is cancelled, the older custom, calls the kernel for each wait when it is the next to end.
template <class Channel>
coroutine<> answer_events(Channel& there, Channel& back, std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    co_await there.async_receive(use_coroutine);
    back.try_send(std::error_code(), 0);
  }
}

template <class Channel>
coroutine<> ask_events(Channel& there, Channel& back, std::uint64_t rounds, double& ns) {
  const stopwatch watch;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    there.try_send(std::error_code(), 0);
    co_await back.async_receive(use_coroutine);
  }
  ns = watch.ns();
}

template <class Channel>
coroutine<> answer(Channel& there, Channel& back, std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const int value = co_await there.async_receive(use_coroutine);
    co_await back.async_send(std::error_code(), value, use_coroutine);
  }
}

template <class Channel>
coroutine<> ask(Channel& there, Channel& back, std::uint64_t rounds, double& ns, std::uint64_t& sum) {
  const stopwatch watch;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    co_await there.async_send(std::error_code(), 1, use_coroutine);
    sum += static_cast<std::uint64_t>(co_await back.async_receive(use_coroutine));
  }
  ns = watch.ns();
}

// One io_context for each of the two sides, and a thread for each; or the same for both.
void run_both(asio::io_context& asking, asio::io_context& answering) {
  if (&asking == &answering) {
    asking.run();
  } else {
    std::thread other([&] { answering.run(); });
    asking.run();
    other.join();
  }
}

template <class Channel>
timed ping(asio::io_context& asking, asio::io_context& answering, std::uint64_t n, std::size_t capacity) {
  Channel there(answering.get_executor(), capacity), back(asking.get_executor(), capacity);
  double ns = 0;
  std::uint64_t sum = 0;
  start(answering, answer(there, back, n / 2));
  start(asking, ask(there, back, n / 2, ns, sum));
  run_both(asking, answering);
  check_equal("the sum of messages", sum, n / 2);
  return {ns, n / 2 * 2};
}

template <class Channel>
timed ping_events(asio::io_context& asking, asio::io_context& answering, std::uint64_t n) {
  Channel there(answering.get_executor(), 1), back(asking.get_executor(), 1);
  double ns = 0;
  start(answering, answer_events(there, back, n / 2));
  start(asking, ask_events(there, back, n / 2, ns));
  run_both(asking, answering);
  return {ns, n / 2 * 2};
}

coroutine<> receive(shared_channel& from, std::uint64_t n, moment& received) {
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await from.async_receive(use_coroutine);
    received.is_now();
  }
}

timed ping_asleep(std::uint64_t n) {
  asio::io_context context(1);
  shared_channel messages(context.get_executor(), 1);
  moment received;
  start(context, receive(messages, n, received));
  std::promise<pid_t> id;
  std::thread receiver([&] {
    id.set_value(this_thread_id());
    context.run();
  });
  timed result{};
  {
    const thread_state state(id.get_future().get());
    result = send_to_sleeper(n, state, received, [&] { messages.try_send(std::error_code(), 1); });
  }
  receiver.join();
  return result;
}

coroutine<> send_many(shared_channel& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) co_await to.async_send(std::error_code(), 1, use_coroutine);
}

coroutine<> receive_many(shared_channel& from, std::uint64_t n, std::atomic<std::uint64_t>& sum) {
  std::uint64_t mine = 0;
  for (std::uint64_t i = 0; i < n; ++i) mine += static_cast<std::uint64_t>(co_await from.async_receive(use_coroutine));
  sum += mine;
}

}  // namespace

figures ping_event(const options& o) {
  if (o.workers > 2) throw unavailable("ping_event has one or two workers");
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    asio::io_context asking(1), answering(1);
    return o.workers == 1 ? ping_events<channel>(asking, asking, n) : ping_events<shared_channel>(asking, answering, n);
  });
}

figures ping_channel(const options& o) {
  if (o.workers > 2) throw unavailable("ping_channel has one or two workers");
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    if (o.has("asleep")) return ping_asleep(n);
    asio::io_context asking(1), answering(1);
    return o.workers == 1 ? ping<channel>(asking, asking, n, o.size)
                          : ping<shared_channel>(asking, answering, n, o.size);
  });
}

figures many_channel(const options& o) {
  constexpr std::size_t sides = 8;
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    const std::uint64_t each = n / sides;
    asio::io_context context(static_cast<int>(o.workers));
    shared_channel shared(context.get_executor(), o.size_or(1024));
    std::atomic<std::uint64_t> sum{0};
    for (std::size_t s = 0; s < sides; ++s) {
      start(context, receive_many(shared, each, sum));
      start(context, send_many(shared, each));
    }
    const stopwatch watch;
    run(context, o.workers);
    const double ns = watch.ns();
    check_equal("the sum of messages", sum.load(), sides * each);
    return {ns, sides * each};
  });
}

}  // namespace contenders::on_asio
