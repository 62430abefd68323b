// C++20 coroutines on the simplest executor there is: one thread, one queue of handles in a ring.
#include <coroutine>  // coroutine_handle
#include <cstddef>    // size_t
#include <cstdint>    // uint64_t
#include <numeric>    // iota
#include <utility>    // exchange
#include <vector>     // the ring, coroutines

#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::coroutines {
namespace {

// First in, first out; as many places as there are coroutines.
class executor {
 public:
  explicit executor(std::size_t places) : ring_(places) {}
  void push(std::coroutine_handle<> next) {
    ring_[end_] = next;
    end_ = after(end_);
    ++count_;
  }
  void run() {
    while (count_ > 0) {
      const std::coroutine_handle<> next = ring_[begin_];
      begin_ = after(begin_);
      --count_;
      next.resume();
    }
  }

 private:
  std::size_t after(std::size_t place) const { return place + 1 == ring_.size() ? 0 : place + 1; }

  std::vector<std::coroutine_handle<>> ring_;
  std::size_t begin_ = 0, end_ = 0, count_ = 0;
};

// Suspended at first; its owner destroys it after its end.
class coroutine {
 public:
  struct promise_type {
    coroutine get_return_object() { return coroutine(std::coroutine_handle<promise_type>::from_promise(*this)); }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() {}
    static void unhandled_exception() { throw; }
  };

  coroutine(coroutine&& from) noexcept : handle_(std::exchange(from.handle_, nullptr)) {}
  coroutine& operator=(coroutine&&) = delete;
  ~coroutine() {
    if (handle_ != nullptr) handle_.destroy();
  }
  std::coroutine_handle<> handle() const { return handle_; }

 private:
  explicit coroutine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// `co_await of`: goes to the end of the queue.
struct yield_to {
  executor& of;
  static bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> self) const { of.push(self); }
  static void await_resume() {}
};

// All have been started and have yielded once before the time begins.
struct turns {
  std::size_t fibers;
  std::uint64_t each;
  std::size_t started = 0;
  stopwatch watch{};
  double ns = 0;
};

coroutine take_turns(executor& on, turns& of) {
  if (++of.started == of.fibers) of.watch = stopwatch();
  while (of.started < of.fibers) co_await yield_to{on};
  for (std::uint64_t i = 0; i < of.each; ++i) co_await yield_to{on};
  of.ns = of.watch.ns();
}

// Where all wait.
struct seats {
  std::vector<std::coroutine_handle<>> waiting{};

  static bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> self) { waiting.push_back(self); }
  static void await_resume() {}
};

coroutine sit(seats& on) { co_await on; }

figures park_once(std::size_t size) {
  parked_meter meter(size);
  figures result;
  {
    executor on(size);
    seats all_wait;
    std::vector<coroutine> all;
    for (std::size_t i = 0; i < size; ++i) {
      all.push_back(sit(all_wait));
      on.push(all.back().handle());
    }
    on.run();
    check_equal("the number that wait", all_wait.waiting.size(), size);
    meter.all_wait();
    for (const auto next : all_wait.waiting) on.push(next);
    on.run();
    all.clear();
    result = meter.all_joined();
  }
  return result;
}

figures take_turns_in(const std::vector<std::uint32_t>& order, const options& o) {
  const std::size_t size = order.size();
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    turns of{size, batches(n, size)};
    executor on(size);
    std::vector<coroutine> all;
    all.reserve(size);
    for (std::size_t i = 0; i < size; ++i) all.push_back(take_turns(on, of));
    for (const std::uint32_t i : order) on.push(all[i].handle());
    on.run();
    check_equal("the number of starts", of.started, size);
    return {of.ns, of.each * size};
  });
}

}  // namespace

figures yield(const options& o) {
  need_one_worker(o);
  std::vector<std::uint32_t> order(o.size_or(1000));
  std::iota(order.begin(), order.end(), 0U);
  return take_turns_in(order, o);
}

// The queue is filled in a random order, and keeps it.
figures yield_shuffled(const options& o) {
  need_one_worker(o);
  return take_turns_in(random_order(o.size_or(1000)), o);
}

figures parked(const options& o) {
  need_one_worker(o);
  const std::size_t size = o.size_or(10'000);
  if (o.has("warm")) park_once(size);
  return park_once(size);
}

}  // namespace contenders::coroutines
