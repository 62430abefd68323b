/// \file   weft/io/blocking.hpp
/// \brief  blocking(f): runs a call that blocks its thread on a thread of its own, while the fiber parks.
#pragma once
#include <exception>    // exception_ptr
#include <functional>   // invoke
#include <memory>       // addressof
#include <optional>     // optional
#include <type_traits>  // invoke_result
#include <utility>      // forward, move

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {
namespace detail {

/// A call on its way through the pool; lives on the caller's stack.
struct blocking_call {
  void (*run)(blocking_call&) noexcept;
};
WEFT_EXPORT void run_blocking(blocking_call& call);

template <class F, class R>
struct blocking_body : blocking_call {
  explicit blocking_body(F& f) noexcept : blocking_call{&invoke_it}, function(std::addressof(f)) {}
  static void invoke_it(blocking_call& base) noexcept {
    auto& self = static_cast<blocking_body&>(base);
    try {
      self.result.emplace(std::invoke(std::forward<F>(*self.function)));
    } catch (...) {
      self.failure = std::current_exception();
    }
  }
  R take() { return std::move(*result); }
  std::remove_reference_t<F>* function;
  std::optional<R> result;
  std::exception_ptr failure;
};

template <class F, class R>
struct blocking_body<F, R&> : blocking_call {
  explicit blocking_body(F& f) noexcept : blocking_call{&invoke_it}, function(std::addressof(f)) {}
  static void invoke_it(blocking_call& base) noexcept {
    auto& self = static_cast<blocking_body&>(base);
    try {
      self.result = std::addressof(std::invoke(std::forward<F>(*self.function)));
    } catch (...) {
      self.failure = std::current_exception();
    }
  }
  R& take() noexcept { return *result; }
  std::remove_reference_t<F>* function;
  R* result = nullptr;
  std::exception_ptr failure;
};

template <class F>
struct blocking_body<F, void> : blocking_call {
  explicit blocking_body(F& f) noexcept : blocking_call{&invoke_it}, function(std::addressof(f)) {}
  static void invoke_it(blocking_call& base) noexcept {
    auto& self = static_cast<blocking_body&>(base);
    try {
      std::invoke(std::forward<F>(*self.function));
    } catch (...) {
      self.failure = std::current_exception();
    }
  }
  void take() noexcept {}
  std::remove_reference_t<F>* function;
  std::exception_ptr failure;
};

}  // namespace detail

/// Runs `f()` on a thread of the blocking pool and returns its result, or rethrows what it threw. For calls that would
/// stop a worker and all its fibers: file system, name look-up, heavy computation, foreign libraries. On a plain thread it
/// just calls `f`. Inside `f` the caller is a plain thread: this_fiber::is_fiber() is false, and weft's waits block it; only
/// this_fiber::get_stop_token() is that of the fiber, so that a long call can be asked to end.
///
/// Blocking: the fiber parks until the call has ended. A cancellation point until a pool thread has taken the call: then a
///           stop waits, and is delivered at the fiber's next cancellation point; a call that has started is not cut short.
/// Threads:  any number of calls at a time; up to 64 run, further ones queue in order. Threads start on demand and end after
///           10 s without work; the pool belongs to the process. A process that ends does not wait for calls still running.
/// Memory:   none from the heap; the call lives on the caller's stack.
/// \throws std::system_error (resource_unavailable_try_again) when the pool has no thread and none can be started.
template <class F>
auto blocking(F&& f) -> std::invoke_result_t<F> {
  detail::blocking_body<F, std::invoke_result_t<F>> call(f);
  detail::run_blocking(call);
  if (call.failure != nullptr) {
    std::rethrow_exception(std::move(call.failure));
  }
  return call.take();
}

}  // namespace weft::inline v0
