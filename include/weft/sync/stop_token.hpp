/// \file   weft/sync/stop_token.hpp
/// \brief  stop_source and stop_callback, as in std's <stop_token>; they work on tokens of fibers, too.
#pragma once
#include <concepts>     // constructible_from, destructible
#include <functional>   // invocable
#include <stop_token>   // nostopstate
#include <type_traits>  // is_nothrow_constructible
#include <utility>      // exchange, forward, move, swap

#include <weft/fiber/stop_token.hpp>  // stop_token

namespace weft::inline v0 {

using std::nostopstate;
using std::nostopstate_t;

/// As std::stop_source.
///
/// Threads:  all members may run at the same time on different objects, request_stop() also on one. Never blocks, but in
///           request_stop(), whose callbacks may.
/// Memory:   8 bytes; one allocation for each state.
class stop_source {
 public:
  stop_source() : block_(new detail::stop_block) {}  ///< \throws std::bad_alloc
  explicit stop_source(nostopstate_t) noexcept {}
  stop_source(const stop_source& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) {
      block_->retain();
      block_->add_source();
    }
  }
  stop_source(stop_source&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  stop_source& operator=(stop_source other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~stop_source() {
    if (block_ != nullptr) {
      block_->drop_source();
      block_->release();
    }
  }

  /// Requests stop, once: the caller that does runs all callbacks, newest first, in this fiber or thread and outside of
  /// any lock. Callbacks may suspend; their waits are no cancellation points. Another caller returns at once.
  /// \return true: this caller was the first.
  bool request_stop() noexcept { return block_ != nullptr && block_->request_stop(); }

  [[nodiscard]] stop_token get_token() const noexcept {
    if (block_ == nullptr) return {};
    block_->retain();
    return stop_token(block_);
  }
  [[nodiscard]] bool stop_requested() const noexcept { return block_ != nullptr && block_->stop_requested(); }
  [[nodiscard]] bool stop_possible() const noexcept { return block_ != nullptr; }
  void swap(stop_source& other) noexcept { std::swap(block_, other.block_); }
  friend void swap(stop_source& a, stop_source& b) noexcept { a.swap(b); }
  [[nodiscard]] friend bool operator==(const stop_source& a, const stop_source& b) noexcept {
    return a.block_ == b.block_;
  }

 private:
  detail::stop_block* block_ = nullptr;
};

namespace detail {

/// What stop_callback does but the callback itself.
class stop_registration : stop_callback_node {
 public:
  stop_registration(const stop_registration&) = delete;
  stop_registration& operator=(const stop_registration&) = delete;

 protected:
  explicit stop_registration(run_fn f) noexcept : stop_callback_node(f) {}
  ~stop_registration() = default;
  /// Runs it at once if stop was requested. The object is complete.
  WEFT_EXPORT void enlist(stop_token token) noexcept;
  /// First thing of the destructor, while the object is still complete.
  WEFT_EXPORT void withdraw() noexcept;
  template <class Callback>
  static Callback& from(stop_callback_node& node) noexcept {
    return static_cast<Callback&>(static_cast<stop_registration&>(node));
  }

 private:
  stop_block* block_ = nullptr;  // null: never enlisted, or it ran in the constructor
};

}  // namespace detail

/// As std::stop_callback: calls `callback` when stop is requested.
///
/// Runs:     in the fiber or thread that requests the stop; or in the constructor, if stop was requested already. It may
///           suspend; its waits are no cancellation points. An exception that leaves it ends the program.
/// Blocking: the destructor waits while the callback runs in another fiber or on another thread: a fiber parks, a plain
///           thread sleeps. No cancellation point. In the fiber that runs the callback it returns at once, so a callback
///           may destroy itself; it must not touch its captures afterwards.
/// Memory:   no allocation: the registration is the object. Neither copied nor moved.
template <class Callback>
class [[nodiscard]] stop_callback : detail::stop_registration {
  static_assert(std::invocable<Callback> && std::destructible<Callback>);

 public:
  using callback_type = Callback;

  template <class Initializer>
  requires std::constructible_from<Callback, Initializer>
  explicit stop_callback(const stop_token& token,
                         Initializer&& callback) noexcept(std::is_nothrow_constructible_v<Callback, Initializer>)
      : stop_registration(&run_it), callback_(std::forward<Initializer>(callback)) {
    enlist(token);
  }
  template <class Initializer>
  requires std::constructible_from<Callback, Initializer>
  explicit stop_callback(stop_token&& token,
                         Initializer&& callback) noexcept(std::is_nothrow_constructible_v<Callback, Initializer>)
      : stop_registration(&run_it), callback_(std::forward<Initializer>(callback)) {
    enlist(std::move(token));
  }
  ~stop_callback() { withdraw(); }
  stop_callback(const stop_callback&) = delete;
  stop_callback& operator=(const stop_callback&) = delete;

 private:
  friend detail::stop_registration;
  static void run_it(detail::stop_callback_node& node) noexcept {
    std::forward<Callback>(detail::stop_registration::from<stop_callback>(node).callback_)();
  }
  Callback callback_;
};

template <class Callback>
stop_callback(stop_token, Callback) -> stop_callback<Callback>;

}  // namespace weft::inline v0
