/// \file   weft/sync/packaged_task.hpp
/// \brief  packaged_task: a function whose outcome goes to a future.
#pragma once
#include <concepts>     // same_as
#include <functional>   // invoke
#include <type_traits>  // decay, is_void
#include <utility>      // forward, move

#include <weft/sync/basic_future.hpp>   // future
#include <weft/sync/shared_result.hpp>  // the shared state

namespace weft::inline v0 {
namespace detail {

/// The shared state of a task; the function lives in it.
template <class R, class... A>
struct task_state : shared_value<R> {
  using call_fn = void (*)(task_state&, A&&...) noexcept;
  using renew_fn = task_state* (*)(task_state&);
  task_state(shared_result::dispose_fn dispose, call_fn c, renew_fn r) noexcept
      : shared_value<R>(dispose), call(c), renew(r) {}
  const call_fn call;    // stores the outcome
  const renew_fn renew;  // a new state for the same function
};

template <class F, class R, class... A>
struct task_of final : task_state<R, A...> {
  using base = task_state<R, A...>;
  template <class G>
  explicit task_of(G&& g) : base(&dispose, &call_it, &renew_it), function(std::forward<G>(g)) {}
  static void dispose(shared_result& s) noexcept { delete static_cast<task_of*>(&s); }
  static void call_it(base& b, A&&... arguments) noexcept {
    auto& self = static_cast<task_of&>(b);
    self.store_or_catch([&]() -> R {
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(std::invoke(self.function, std::forward<A>(arguments)...));
      } else if constexpr (std::is_reference_v<R>) {
        return std::invoke(self.function, std::forward<A>(arguments)...);
      } else {
        return static_cast<R>(std::invoke(self.function, std::forward<A>(arguments)...));  // as std::invoke_r does
      }
    });
  }
  static base* renew_it(base& b) { return new task_of(std::move(static_cast<task_of&>(b).function)); }
  F function;
};

}  // namespace detail

template <class Signature>
class packaged_task;

/// As std::packaged_task. Calling it runs the function in the caller and gives the future its result or exception; the
/// exception may be weft::cancelled.
///
/// Memory: 8 bytes, and one allocation for function and shared state together.
/// Life:   may be destroyed as soon as a wait for its future has returned, even if the call has not returned yet.
/// Not here: make_ready_at_thread_exit.
template <class R, class... A>
class packaged_task<R(A...)> {
 public:
  packaged_task() noexcept = default;
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, packaged_task> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, A...>) explicit packaged_task(F&& function)
      : state_(new detail::task_of<std::decay_t<F>, R, A...>(std::forward<F>(function))) {}
  packaged_task(packaged_task&&) noexcept = default;
  packaged_task& operator=(packaged_task&& other) noexcept {
    packaged_task(std::move(other)).swap(*this);
    return *this;
  }
  ~packaged_task() {
    if (state_) state_.get()->abandon();
  }
  void swap(packaged_task& other) noexcept { state_.swap(other.state_); }
  friend void swap(packaged_task& a, packaged_task& b) noexcept { a.swap(b); }
  bool valid() const noexcept { return static_cast<bool>(state_); }

  /// \throws std::future_error future_already_retrieved, no_state.
  future<R> get_future() {
    auto& s = state_.checked();
    s.note_retrieved();
    s.retain();
    return detail::future_access::adopt<R>(&s);
  }
  /// \throws std::future_error promise_already_satisfied: called before, no_state. Not what the function throws.
  void operator()(A... arguments) {
    auto& s = state_.checked();
    s.claim();
    s.call(s, std::forward<A>(arguments)...);
    s.publish();  // the last touch: this task may be gone
  }
  /// Makes it callable again, with a new future; the old one gets broken_promise unless the task was called.
  /// \throws std::future_error no_state, std::bad_alloc, what moving the function throws.
  void reset() {
    auto& s = state_.checked();
    packaged_task fresh;
    fresh.state_ = detail::result_ref<state_type>(s.renew(s));
    *this = std::move(fresh);
  }

 private:
  using state_type = detail::task_state<R, A...>;
  detail::result_ref<state_type> state_;
};

namespace detail {

template <class Member>
struct signature_of_call;
template <class C, class R, class... A, bool N>
struct signature_of_call<R (C::*)(A...) noexcept(N)> {
  using type = R(A...);
};
template <class C, class R, class... A, bool N>
struct signature_of_call<R (C::*)(A...) const noexcept(N)> {
  using type = R(A...);
};
template <class C, class R, class... A, bool N>
struct signature_of_call<R (C::*)(A...)& noexcept(N)> {
  using type = R(A...);
};
template <class C, class R, class... A, bool N>
struct signature_of_call<R (C::*)(A...) const& noexcept(N)> {
  using type = R(A...);
};

}  // namespace detail

template <class R, class... A>
packaged_task(R (*)(A...)) -> packaged_task<R(A...)>;
template <class F>
packaged_task(F) -> packaged_task<typename detail::signature_of_call<decltype(&F::operator())>::type>;

}  // namespace weft::inline v0
