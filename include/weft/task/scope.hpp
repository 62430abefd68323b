/// \file   weft/task/scope.hpp
/// \brief  Structured concurrency: fibers that never outlive the scope they were spawned in.
#pragma once
#include <exception>    // uncaught_exceptions
#include <memory>       // unique_ptr
#include <optional>     // optional
#include <type_traits>  // decay, is_void
#include <utility>      // forward, exchange

#include <weft/fiber/cancelled.hpp>  // cancelled
#include <weft/sched/fiber.hpp>      // fiber
#include <weft/task/scope_task.hpp>  // spawn_in

namespace weft::inline v0 {

/// A group of fibers, its children, that ends when all of them have ended. Children may spawn more children.
///
/// Failure:  the first exception that escapes a child (or the body of with_scope) stops the other children and is
///           rethrown by join(); later ones are dropped. weft::cancelled counts as a failure when nobody had asked the
///           child to stop. A failure that no join() takes is reported on standard error by the destructor, unless it is
///           weft::cancelled.
/// Stops:    a stop of the fiber that made the scope, or a deadline around it, reaches all children, and theirs, at
///           once: in the fiber that requests it. So does request_stop(). A cancel_shield around the scope keeps stops
///           from outside of the shield away.
/// Threads:  spawn, fork, request_stop may be called by its children too; the rest belongs to the fiber that made it.
/// Blocking: join() and the destructor park until the last child has ended. A child that has not started by then runs
///           as a call on the waiter's own stack, if enough of it is left.
/// Memory:   about 130 bytes; one heap block for each child.
class scope {
 public:
  scope() : scope(false) {}  ///< \throws std::bad_alloc
  /// Waits for all children; when an exception is passing through, asks them to stop first.
  ~scope() {
    if (std::uncaught_exceptions() > uncaught_) state_.request_stop();
    state_.wait_all();
    if (state_.failed()) detail::report_unjoined(state_.take_failure());
  }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  /// Runs `f(args...)` (decayed copies) as a child; its result is dropped. In a stopped scope it is born stopped.
  /// \throws as weft::spawn
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, fiber_options>) [[gnu::noinline]] void spawn(F&& f, A&&... args) {
    detail::spawn_in<false>(state_, nullptr, __builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
  }
  template <class F, class... A>
  [[gnu::noinline]] void spawn(const fiber_options& options, F&& f, A&&... args) {
    detail::spawn_in<false>(state_, &options, __builtin_return_address(0), std::forward<F>(f),
                            std::forward<A>(args)...);
  }

  /// As spawn(), with a handle to join for the result. Dropping the handle leaves the child to the scope. A failure is
  /// both rethrown by the handle's join() and the scope's.
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, fiber_options>) [[gnu::noinline]] auto fork(F&& f, A&&... args) {
    return fiber<detail::spawn_result<F, A...>>(&detail::spawn_in<true>(state_, nullptr, __builtin_return_address(0),
                                                                        std::forward<F>(f), std::forward<A>(args)...));
  }
  template <class F, class... A>
  [[gnu::noinline]] auto fork(const fiber_options& options, F&& f, A&&... args) {
    return fiber<detail::spawn_result<F, A...>>(&detail::spawn_in<true>(state_, &options, __builtin_return_address(0),
                                                                        std::forward<F>(f), std::forward<A>(args)...));
  }

  /// Waits until all children have ended, then rethrows the first failure. A cancellation point, but even then it waits
  /// for the children, who are stopped, before it throws. Under a cancel_shield it sees no stop, but still throws when one
  /// from outside has ended a child by weft::cancelled, whose work is missing. The scope can be used again afterwards unless
  /// it was stopped.
  /// \throws the first failure; weft::cancelled
  void join() { state_.join(); }

  /// Asks all children, and those spawned later, to stop. Sticky; never blocks, but runs stop callbacks.
  void request_stop() noexcept { state_.request_stop(); }
  [[nodiscard]] bool stop_requested() noexcept { return state_.stop_requested(); }

 private:
  template <class F>
  friend decltype(auto) with_scope(F&& body);
  explicit scope(bool stops_body) : state_(stops_body), uncaught_(std::uncaught_exceptions()) {}
  void after_cancelled_body() {
    if (state_.failed()) return;  // that is what stopped it: join() will tell
    state_.request_stop();
    state_.wait_all();
    state_.rethrow_failure();
    throw;
  }
  detail::stop_scope state_;
  int uncaught_;
};

/// Runs `body(scope&)`, waits for all children, and returns the body's result. The body is one of the siblings: when a
/// child fails, the body's next cancellation point throws weft::cancelled, and with_scope rethrows the child's failure;
/// when the body throws, the children are stopped. \throws the first failure; weft::cancelled
template <class F>
decltype(auto) with_scope(F&& body) {
  using result = std::invoke_result_t<F, scope&>;
  scope s(true);
  detail::result_box<result> box;
  try {
    box.fill([&]() -> decltype(auto) { return std::forward<F>(body)(s); });
  } catch (const cancelled&) {
    s.after_cancelled_body();
  } catch (...) {
    s.state_.fail(std::current_exception());
  }
  s.join();
  return box.take();
}

}  // namespace weft::inline v0
