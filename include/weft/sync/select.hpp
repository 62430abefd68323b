/// \file   weft/sync/select.hpp
/// \brief  Waits for whichever of several sends and receives can be done first, and does that one.
#pragma once
#include <chrono>       // duration, time_point
#include <concepts>     // same_as, convertible_to
#include <cstddef>      // size_t
#include <memory>       // addressof
#include <optional>     // optional
#include <type_traits>  // remove_cvref, decay
#include <utility>      // forward, move

#include <weft/base/config.hpp>   // WEFT_EXPORT
#include <weft/sched/time.hpp>    // deadlines
#include <weft/sync/channel.hpp>  // channel

namespace weft::inline v0 {
namespace detail {

enum class case_kind : unsigned char { channel, timeout, otherwise };

/// One case of a running select.
struct select_case : channel_node {
  case_kind kind = case_kind::channel;
  channel_core::time_point deadline{};
  select_case* lock_next = nullptr;  // in the order of their channels' addresses
  select_case* try_next = nullptr;   // in the order drawn
};

/// Commits one of the cases. \return its position
WEFT_EXPORT std::size_t select_cases(select_case* cases, std::size_t n);

template <class T, class F>
class receive_case {
 public:
  receive_case(channel<T>& from, F then) : from_(from), then_(std::move(then)) {}
  void prepare(select_case& c) {
    value_.reset();
    c.which = side::receive;
    c.channel = &channel_access::core(from_);
    c.value = std::addressof(value_);
  }
  void run() { then_(std::move(value_)); }

 private:
  channel<T>& from_;
  std::optional<T> value_;
  F then_;
};

template <class T, class F>
class send_case {
 public:
  template <class V>
  send_case(channel<T>& to, V&& value, F then)
      : to_(to), value_(static_cast<T>(std::forward<V>(value))), then_(std::move(then)) {}
  void prepare(select_case& c) {
    c.which = side::send;
    c.channel = &channel_access::core(to_);
    c.value = std::addressof(value_);
  }
  void run() { then_(); }

 private:
  channel<T>& to_;
  T value_;
  F then_;
};

template <class When, class F>
class timeout_case {
 public:
  timeout_case(When when, F then) : when_(when), then_(std::move(then)) {}
  void prepare(select_case& c) {
    c.kind = case_kind::timeout;
    c.deadline = deadline_of(when_);
  }
  void run() { then_(); }

 private:
  template <class Rep, class Period>
  static channel_core::time_point deadline_of(std::chrono::duration<Rep, Period> d) {
    return deadline_after(d);
  }
  template <class Clock, class Duration>
  static channel_core::time_point deadline_of(std::chrono::time_point<Clock, Duration> t) {
    return steady_deadline(t);
  }
  When when_;
  F then_;
};

template <class F>
class otherwise_case {
 public:
  explicit otherwise_case(F then) : then_(std::move(then)) {}
  void prepare(select_case& c) { c.kind = case_kind::otherwise; }
  void run() { then_(); }

 private:
  F then_;
};

template <class C>
concept select_alternative = requires(std::remove_cvref_t<C>& c, select_case& s) {
  { c.prepare(s) } -> std::same_as<void>;
  { c.run() } -> std::same_as<void>;
};

}  // namespace detail

/// \name Cases of select(). They hold their functions, and on_send its value, until they are destroyed.
/// @{
/// Takes a value; `then(std::optional<T>)` gets it, or nullopt when the channel is closed and drained.
template <class T, class F>
[[nodiscard]] auto on_receive(channel<T>& from, F&& then) {
  return detail::receive_case<T, std::decay_t<F>>(from, std::forward<F>(then));
}
/// Sends the value, converted to T here, then runs `then()`. A closed channel makes the case ready: select throws channel_closed.
template <class T, class F, class V = T>
requires std::convertible_to<V, T>
[[nodiscard]] auto on_send(channel<T>& to, V&& value, F&& then) {
  return detail::send_case<T, std::decay_t<F>>(to, std::forward<V>(value), std::forward<F>(then));
}
/// Runs when no other case became ready within `timeout` of the beginning of select (not positive: polls), or until a
/// point in time. Of several the earliest counts.
template <class When, class F>
[[nodiscard]] auto on_timeout(When when, F&& then) {
  return detail::timeout_case<When, std::decay_t<F>>(when, std::forward<F>(then));
}
/// Runs when no case is ready at once. All channels are looked at in one moment.
template <class F>
[[nodiscard]] auto otherwise(F&& then) {
  return detail::otherwise_case<std::decay_t<F>>(std::forward<F>(then));
}
/// @}

/// Waits until one of the cases is ready, does what it says, and then, with no lock held, runs its function.
/// One of several ready cases is chosen at random, each as likely as the others. Cases may name the same channel; those of
/// one select never match each other. Without cases, or as long as none is ready, it waits: a cancellation point then.
///
///   weft::select(weft::on_receive(requests, [&](std::optional<request> r) { ... }),
///                weft::on_send(results, next, [&] { ... }),
///                weft::on_timeout(50ms, [&] { ... }));
///
/// \return the position of the case, from 0
/// \throws weft::channel_closed  the chosen case sends to a closed channel
/// \throws weft::cancelled       the fiber was asked to stop before a case was ready; nothing was sent or taken
/// \throws what the chosen case's function or the value's move throws
/// \par Life  A value that was not sent stays in its case, and is destroyed with it. The channel of the case that was
///            done may be destroyed at once, the others when select has returned.
/// \par Cost  locks all channels once, or twice if it has to wait, and once more afterwards; no allocation.
template <class... Cases>
requires(detail::select_alternative<Cases>&&...) std::size_t select(Cases&&... cases) {
  detail::select_case prepared[sizeof...(Cases) + 1];  // never an empty array
  std::size_t i = 0;
  (cases.prepare(prepared[i++]), ...);
  const std::size_t chosen = detail::select_cases(prepared, sizeof...(Cases));
  i = 0;
  ((i++ == chosen ? cases.run() : void()), ...);
  return chosen;
}

}  // namespace weft::inline v0
