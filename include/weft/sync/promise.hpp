/// \file   weft/sync/promise.hpp
/// \brief  promise: the end of a future where the outcome is set by hand.
#pragma once
#include <exception>  // exception_ptr
#include <memory>     // allocator_arg, allocator_traits, uses_allocator
#include <utility>    // forward, move

#include <weft/sync/basic_future.hpp>   // future
#include <weft/sync/shared_result.hpp>  // the shared state

namespace weft::inline v0 {
namespace detail {

template <class T>
struct plain_value : shared_value<T> {
  plain_value() noexcept : shared_value<T>(&dispose) {}
  static void dispose(shared_result& s) noexcept { delete static_cast<plain_value*>(&s); }
};

/// A state in memory of the caller's choice.
template <class T, class Allocator>
struct allocated_value : shared_value<T> {
  using own_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<allocated_value>;
  using traits = std::allocator_traits<own_allocator>;
  explicit allocated_value(const own_allocator& a) noexcept : shared_value<T>(&dispose), allocator(a) {}
  static allocated_value* make(own_allocator from) {
    auto* const place = traits::allocate(from, 1);
    return ::new (static_cast<void*>(std::to_address(place))) allocated_value(from);
  }
  static void dispose(shared_result& s) noexcept {
    auto* const self = static_cast<allocated_value*>(&s);
    own_allocator from(std::move(self->allocator));
    self->~allocated_value();
    traits::deallocate(from, std::pointer_traits<typename traits::pointer>::pointer_to(*self), 1);
  }
  own_allocator allocator;
};

/// All of promise but set_value().
template <class T>
class promise_base {
 public:
  promise_base() : state_(new plain_value<T>) {}  ///< \throws std::bad_alloc
  template <class Allocator>
  promise_base(std::allocator_arg_t, const Allocator& a) : state_(allocated_value<T, Allocator>::make(a)) {}
  promise_base(promise_base&&) noexcept = default;
  promise_base& operator=(promise_base&& other) noexcept {
    promise_base(std::move(other)).swap(*this);
    return *this;
  }
  ~promise_base() {
    if (state_) state_.get()->abandon();
  }
  void swap(promise_base& other) noexcept { state_.swap(other.state_); }

  /// \throws std::future_error future_already_retrieved, no_state.
  future<T> get_future() {
    shared_value<T>& s = state_.checked();
    s.note_retrieved();
    s.retain();
    return future_access::adopt(&s);
  }
  /// \pre failure is not null \throws std::future_error promise_already_satisfied, no_state.
  void set_exception(std::exception_ptr failure) { state_.checked().set_exception(std::move(failure)); }

 protected:
  shared_value<T>& state() const { return state_.checked(); }

 private:
  result_ref<shared_value<T>> state_;
};

}  // namespace detail

/// As std::promise. Setting never suspends and wakes all who wait; a promise that goes without having been set leaves
/// std::future_error broken_promise to them.
///
/// Threads: set_value, set_exception and get_future may run at the same time.
/// Memory:  8 bytes, and one allocation for the shared state.
/// Life:    may be destroyed as soon as a wait for its future has returned, even if set_value() has not returned yet.
/// Not here: set_value_at_thread_exit, set_exception_at_thread_exit.
/// Not as std: of two setters at the same time one is refused, promise_already_satisfied, even if the copy of the other
///          one's value then throws, so that nothing was set. To let it wait for that, setting would have to suspend.
template <class T>
class promise : public detail::promise_base<T> {
 public:
  using detail::promise_base<T>::promise_base;
  /// \throws std::future_error promise_already_satisfied, no_state; what copying throws: then nothing was set.
  void set_value(const T& value) {
    this->state().set_value([&]() -> const T& { return value; });
  }
  void set_value(T&& value) {
    this->state().set_value([&]() -> T&& { return std::move(value); });
  }
};
template <class T>
class promise<T&> : public detail::promise_base<T&> {
 public:
  using detail::promise_base<T&>::promise_base;
  void set_value(T& value) {
    this->state().set_value([&]() -> T& { return value; });
  }
};
template <>
class promise<void> : public detail::promise_base<void> {
 public:
  using detail::promise_base<void>::promise_base;
  void set_value() {
    state().set_value([] {});
  }
};

template <class T>
void swap(promise<T>& a, promise<T>& b) noexcept {
  a.swap(b);
}

}  // namespace weft::inline v0

template <class T, class Allocator>
struct std::uses_allocator<weft::promise<T>, Allocator> : std::true_type {};
