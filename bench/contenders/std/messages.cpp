// Two threads that wake each other by futex: the least that a wake-up over threads costs.
#include <atomic>         // the word
#include <cstdint>        // uint32_t
#include <future>         // the other's thread id
#include <linux/futex.h>  // FUTEX_WAIT_PRIVATE
#include <sys/syscall.h>  // SYS_futex
#include <thread>         // the other
#include <unistd.h>       // syscall

#include "contenders/common/asleep.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/wake.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::by_futex {
namespace {

// A place for one message, 0: none. A line of its own.
class alignas(64) place {
 public:
  void send(std::uint32_t message) {
    word_.store(message, std::memory_order_release);  // pairs with receive()
    ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  std::uint32_t receive() {
    for (;;) {
      const std::uint32_t message = word_.exchange(0, std::memory_order_acquire);  // pairs with send()
      if (message != 0) return message;
      ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);  // any error: look again
    }
  }

 private:
  std::atomic<std::uint32_t> word_{0};
};

constexpr std::uint32_t message = 1, last = 2;

// A thread that calls `act` for each message until the last.
template <class Act>
class receiver {
 public:
  receiver(place& from, Act act)
      : thread_([&from, act, this] {
          id_.set_value(this_thread_id());
          while (from.receive() != last) act();
        }),
        from_(from) {}
  ~receiver() {
    from_.send(last);
    thread_.join();
  }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  pid_t id() { return id_.get_future().get(); }

 private:
  std::promise<pid_t> id_;
  std::thread thread_;
  place& from_;
};

}  // namespace

figures ping_event(const options& o) {
  place there, back;
  const receiver echo(there, [&] { back.send(message); });
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n / 2; ++i) {
      there.send(message);
      back.receive();
    }
    return {watch.ns(), n / 2 * 2};
  });
}

// The other side sleeps in its futex before each message. There is no channel for the rest of this workload.
figures ping_channel(const options& o) {
  if (!o.has("asleep")) throw unavailable("ping_channel: the variant asleep alone");
  place there;
  moment received;
  receiver other(there, [&] { received.is_now(); });
  const thread_state state(other.id());
  return repeat(o, 0,
                [&](std::uint64_t n) { return send_to_sleeper(n, state, received, [&] { there.send(message); }); });
}

figures wake(const options& o) {
  place there;
  moment* waiting = nullptr;  // handed over by the message
  const receiver other(there, [&] { waiting->is_now(); });
  return wake_figures(o, [&](moment& ran) {
    waiting = &ran;
    there.send(message);
  });
}

}  // namespace contenders::by_futex
