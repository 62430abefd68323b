/// \file   weft/sync/channel.hpp
/// \brief  A queue of values between fibers and OS threads, bounded, or without any room: a rendezvous.
#pragma once
#include <chrono>     // duration, time_point
#include <cstddef>    // size_t, ptrdiff_t
#include <iterator>   // input_iterator_tag, default_sentinel
#include <memory>     // addressof
#include <optional>   // optional
#include <stdexcept>  // logic_error

#include <weft/base/config.hpp>        // WEFT_EXPORT
#include <weft/sched/time.hpp>         // deadlines
#include <weft/sync/channel_core.hpp>  // all but the types
#include <weft/sync/retry_until.hpp>   // clocks other than the steady one

namespace weft::inline v0 {

/// Thrown by sends on a closed channel.
struct WEFT_EXPORT channel_closed : std::logic_error {
  channel_closed();
};

namespace detail {
struct channel_access;
}

/// Values in the order they were sent, each to one receiver.
///
/// Threads:  all members may run at the same time, from fibers and OS threads, but the destructor; many may send and many
///           receive. Values are FIFO, and so are those who wait to send and those who wait to receive.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel. Operations that
///           need not wait may let other fibers run, all but close().
/// Ordering: what is sequenced before a send happens-before the return of the receive that takes its value. With capacity
///           C the k-th receive happens-before the return of the (k+C)-th send; with C = 0 a send returns only after a
///           receive has taken the value. close() happens-before a return that is due to it.
/// Memory:   64 bytes, and one allocation of `capacity` values. A waiter's queue node lives on its own stack; a value
///           handed to a waiting receiver goes straight into that one's frame.
/// Life:     may be destroyed as soon as no operation is needed any more: one that was completed by another (a receive
///           that got its value, a send whose value was taken, either woken by close()) no longer touches it.
/// Values:   any movable object type. Moves run under the channel's lock: one that suspends ends the program with a
///           report, one that uses the same channel deadlocks; large values had better be pointers.
/// Throwing moves: whoever's call makes the move gets the exception, and the channel is as it was: a value that could not
///           be put in is still the sender's, one that could not be taken out is still the first (both in the state the
///           failed move left them in). If the other side was waiting, it goes on waiting, last in its queue. A sender
///           whose value could not be moved into the buffer by the receiver that made room is woken to try by itself.
template <class T>
class channel {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && std::is_move_constructible_v<T>,
                "a channel carries movable objects");

 public:
  using value_type = T;
  class iterator;

  /// \throws std::bad_alloc, std::length_error  no memory for `capacity` values, or more than there can be
  explicit channel(std::size_t capacity = 0) : core_(capacity, detail::value_ops_of<T>) {}
  /// Destroys the values that nobody received. \pre nobody waits (checked, also in release builds).
  ~channel() = default;
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  /// Sends a value, waiting until there is room or a receiver. A cancellation point if it has to wait. When it throws,
  /// the value has not been sent and is destroyed.
  /// \throws channel_closed   the channel is closed, or was while this waited
  /// \throws weft::cancelled  the fiber was asked to stop before the value was sent
  void send(T value) { send_steady(value, std::chrono::steady_clock::time_point::max()); }

  /// Sends without waiting. \return false: no room and no receiver; the value is as it was
  /// \throws channel_closed  the value is as it was
  bool try_send(T& value) {
    return put_at_once(value) || sent(core_.try_transfer(detail::side::send, std::addressof(value)));
  }

  /// As send(), but gives up after `timeout` (not positive: polls). The value is moved from only if it is sent.
  /// \return true: sent; false: the time passed first.
  /// \throws as send()
  template <class Rep, class Period>
  bool send_for(T& value, std::chrono::duration<Rep, Period> timeout) {
    return put_at_once(value) || send_steady(value, detail::deadline_after(timeout));
  }
  template <class Clock, class Duration>
  bool send_until(T& value, std::chrono::time_point<Clock, Duration> until) {
    return detail::retry_until(until, [&](auto deadline) { return send_steady(value, deadline); });
  }

  /// Takes the oldest value, waiting for it. A cancellation point if it has to wait: a cancelled one has taken nothing.
  /// \return nullopt: the channel is closed and all its values have been received.
  /// \throws weft::cancelled  the fiber was asked to stop before there was a value
  std::optional<T> receive() {
    std::optional<T> result;
    receive_steady(result, std::chrono::steady_clock::time_point::max());
    return result;
  }

  /// Takes the oldest value if there is one. \return nullopt: there is none now; closed() says whether one may come.
  std::optional<T> try_receive() {
    std::optional<T> result;
    if (!take_at_once(result)) core_.try_transfer(detail::side::receive, std::addressof(result));
    return result;
  }

  /// As receive(), but gives up after `timeout` (not positive: polls).
  /// \return nullopt: no value, because the time passed or because of close(); closed() tells.
  /// \throws as receive()
  template <class Rep, class Period>
  std::optional<T> receive_for(std::chrono::duration<Rep, Period> timeout) {
    std::optional<T> result;
    if (!take_at_once(result))
      core_.transfer(detail::side::receive, std::addressof(result), detail::deadline_after(timeout));
    return result;
  }
  template <class Clock, class Duration>
  std::optional<T> receive_until(std::chrono::time_point<Clock, Duration> until) {
    std::optional<T> result;
    static_cast<void>(detail::retry_until(
        until, [&](auto deadline) { return receive_steady(result, deadline) != detail::exchange::not_ready; }));
    return result;
  }

  /// No more sends: those that wait, and all later ones, throw channel_closed. Receivers get the values that are in the
  /// buffer, then nullopt. Never suspends; may be repeated. O(waiters).
  void close() noexcept { core_.close(); }
  [[nodiscard]] bool closed() const noexcept { return core_.closed(); }

  /// Values in the buffer at some moment of the call.
  [[nodiscard]] std::size_t size() const noexcept { return core_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return core_.capacity(); }

  /// `for (auto& value : channel)` receives until the channel is closed and drained. begin() and ++ are receive().
  [[nodiscard]] iterator begin() { return iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend struct detail::channel_access;

  bool put_at_once(T& value) {
    if constexpr (detail::is_copied_at_once<T>) {
      if (core_.put_at_once(value)) {
        detail::channel_core::spend();
        return true;
      }
    }
    return false;
  }
  bool take_at_once(std::optional<T>& result) {
    if constexpr (detail::is_copied_at_once<T>) {
      if (core_.take_at_once(result)) {
        detail::channel_core::spend();
        return true;
      }
    }
    return false;
  }
  static bool sent(detail::exchange e) {
    if (e == detail::exchange::closed) [[unlikely]]
      detail::throw_channel_closed();
    return e == detail::exchange::done;
  }
  bool send_steady(T& value, std::chrono::steady_clock::time_point deadline) {
    return put_at_once(value) || sent(core_.transfer(detail::side::send, std::addressof(value), deadline));
  }
  detail::exchange receive_steady(std::optional<T>& result, std::chrono::steady_clock::time_point deadline) {
    if (take_at_once(result)) return detail::exchange::done;
    return core_.transfer(detail::side::receive, std::addressof(result), deadline);
  }

  detail::channel_core core_;
};

/// Input iterator over what a channel delivers; at the end when it is closed and drained.
template <class T>
class channel<T>::iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using pointer = T*;

  explicit iterator(channel& from) : from_(&from) { ++*this; }
  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return std::addressof(*value_); }
  iterator& operator++() {
    value_.reset();
    from_->receive_steady(value_, std::chrono::steady_clock::time_point::max());
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.value_.has_value(); }

 private:
  channel* from_;
  mutable std::optional<T> value_;
};

namespace detail {
/// The door of select() to the core.
struct channel_access {
  template <class T>
  static channel_core& core(channel<T>& of) noexcept {
    return of.core_;
  }
};
}  // namespace detail

}  // namespace weft::inline v0
