/// \file   weft/sync/basic_future.hpp
/// \brief  future and shared_future; weft/sync/future.hpp has all that belongs to them.
#pragma once
#include <chrono>       // duration, time_point
#include <future>       // future_status, future_error
#include <type_traits>  // is_void
#include <utility>      // move

#include <weft/sched/time.hpp>          // deadlines
#include <weft/sync/retry_until.hpp>    // clocks other than the steady one
#include <weft/sync/shared_result.hpp>  // the shared state

namespace weft::inline v0 {

template <class T>
class future;
template <class T>
class shared_future;

namespace detail {

/// What both kinds of future share.
template <class T>
class future_base {
 public:
  bool valid() const noexcept { return static_cast<bool>(state_); }

  /// Waits until the outcome is there; runs the function of a deferred one in this fiber, where no stop from outside
  /// reaches it. A cancellation point.
  /// \throws std::future_error no_state: not valid. weft::cancelled: the future stays as it is.
  void wait() const { static_cast<void>(ready_state()); }
  /// \return deferred: its function has not begun, and was not run by this call. timeout, ready.
  template <class Rep, class Period>
  std::future_status wait_for(std::chrono::duration<Rep, Period> timeout) const {
    return wait_until(deadline_after(timeout));
  }
  template <class Clock, class Duration>
  std::future_status wait_until(std::chrono::time_point<Clock, Duration> until) const {
    shared_value<T>& s = state_.checked();
    if (s.is_deferred()) return std::future_status::deferred;
    const bool ready = retry_until(until, [&](auto deadline) { return s.wait_until(deadline); });
    return ready ? std::future_status::ready : std::future_status::timeout;
  }

 protected:
  using state_type = shared_value<T>;
  future_base() noexcept = default;
  explicit future_base(result_ref<state_type> state) noexcept : state_(std::move(state)) {}
  state_type& ready_state() const {
    state_type& s = state_.checked();
    s.wait_until(std::chrono::steady_clock::time_point::max());
    return s;
  }
  result_ref<state_type> state_;
};

struct future_access {
  template <class T>
  static future<T> adopt(shared_value<T>* state) noexcept {
    return future<T>(result_ref<shared_value<T>>(state));
  }
};

}  // namespace detail

/// As std::future, between fibers of one or several runtimes and plain OS threads.
///
/// Threads:  one future is used by one fiber or thread at a time.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Ordering: what is sequenced before the outcome is set happens-before the return of every wait for it.
/// Memory:   8 bytes; the shared state is one allocation, made by promise, packaged_task or async.
/// Life:     the state, and the promise with it, may go as soon as a wait has returned.
/// Beyond std: waits are cancellation points; a cancelled get() leaves the future valid, and the outcome in it.
///           wait() and get() of a future that is not valid throw std::future_error no_state.
///           The destructor waits if this is the last future of an async(); that is no cancellation point.
template <class T>
class future : public detail::future_base<T> {
 public:
  future() noexcept = default;
  future(future&&) noexcept = default;
  future& operator=(future&&) noexcept = default;

  /// The result, or throws what was stored instead; afterwards not valid. A cancellation point.
  /// \throws std::future_error no_state, broken_promise. weft::cancelled: still valid.
  T get() {
    this->ready_state();
    const auto last = std::move(this->state_);
    if constexpr (std::is_void_v<T>) {
      static_cast<void>(last.get()->value());
    } else if constexpr (std::is_reference_v<T>) {
      return *last.get()->value();
    } else {
      return std::move(last.get()->value());
    }
  }
  /// Makes a future that can be copied; this one is not valid any more.
  shared_future<T> share() noexcept;

 private:
  friend detail::future_access;
  friend shared_future<T>;
  explicit future(detail::result_ref<detail::shared_value<T>> state) noexcept
      : detail::future_base<T>(std::move(state)) {}
};

/// As std::shared_future: copies share one outcome, which get() leaves in place. Otherwise as future.
/// Threads: several fibers and threads wait at the same time, each with a copy of its own.
template <class T>
class shared_future : public detail::future_base<T> {
 public:
  shared_future() noexcept = default;
  shared_future(future<T>&& unique) noexcept : detail::future_base<T>(std::move(unique.state_)) {}

  /// `const T&`, for a reference T, or nothing. Valid as long as a copy of this future is.
  decltype(auto) get() const {
    auto& state = this->ready_state();
    if constexpr (std::is_void_v<T>) {
      static_cast<void>(state.value());
    } else if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*state.value());
    } else {
      return static_cast<const T&>(state.value());
    }
  }
};

template <class T>
shared_future<T> future<T>::share() noexcept {
  return shared_future<T>(std::move(*this));
}

}  // namespace weft::inline v0
