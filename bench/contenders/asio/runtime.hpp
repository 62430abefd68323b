// Asio as serves it best: one io_context for all workers, told of their number; coroutines and timers typed for its
// executor, because the default, which can hold any executor, costs an allocation or an indirect call here and there.
#pragma once
#include <exception>  // exception_ptr
#include <thread>     // workers
#include <utility>    // move
#include <vector>     // workers

#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/concurrent_channel.hpp>

namespace contenders::on_asio {

using executor = asio::io_context::executor_type;
template <class T = void>
using coroutine = asio::awaitable<T, executor>;
constexpr asio::use_awaitable_t<executor> use_coroutine;
using timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, executor>;

// For one thread: experimental::channel; over threads: its locked twin.
using channel = asio::experimental::channel<executor, void(std::error_code, int)>;
using shared_channel = asio::experimental::concurrent_channel<executor, void(std::error_code, int)>;

// A coroutine that nobody waits for. What it throws comes out of run().
constexpr auto rethrow = [](const std::exception_ptr& error) {
  if (error != nullptr) std::rethrow_exception(error);
};
template <class Coroutine>
void start(asio::io_context& on, Coroutine&& what) {
  asio::co_spawn(on.get_executor(), std::forward<Coroutine>(what), rethrow);
}

// Runs all that there is to do, by `workers` threads, the calling one included.
inline void run(asio::io_context& context, unsigned workers) {
  std::vector<std::thread> others;
  for (unsigned i = 1; i < workers; ++i) others.emplace_back([&] { context.run(); });
  context.run();
  for (auto& t : others) t.join();
}

// Threads that run an io_context until it is told to stop being kept.
class kept_running {
 public:
  kept_running(asio::io_context& context, unsigned workers) : guard_(context.get_executor()) {
    for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([&] { context.run(); });
  }
  ~kept_running() {
    guard_.reset();
    for (auto& t : threads_) t.join();
  }
  kept_running(const kept_running&) = delete;
  kept_running& operator=(const kept_running&) = delete;

 private:
  asio::executor_work_guard<executor> guard_;
  std::vector<std::thread> threads_;
};

}  // namespace contenders::on_asio
