/// \file   weft/sync/shared_result.hpp
/// \brief  The shared state behind future, promise, packaged_task and async. Private to weft.
#pragma once
#include <chrono>       // steady_clock
#include <cstdint>      // fixed-width integers
#include <exception>    // exception_ptr
#include <future>       // future_errc, future_status
#include <memory>       // addressof
#include <new>          // placement new
#include <type_traits>  // is_void
#include <utility>      // exchange, forward

#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

[[noreturn]] WEFT_EXPORT void throw_future_error(std::future_errc what);

/// What does not depend on the type of the result. Counted: each future and each promise holds a reference.
///
/// A setter claims the state, stores the outcome and publishes it. Its last touch of the state is the store that makes it
/// ready: whoever sees that may drop the last reference.
class shared_result {
 public:
  using dispose_fn = void (*)(shared_result&) noexcept;
  using deferred_fn = void (*)(shared_result&) noexcept;
  shared_result(const shared_result&) = delete;
  shared_result& operator=(const shared_result&) = delete;

  void retain() noexcept { references_.fetch_add(1, memory_order_relaxed); }  // relaxed: the caller holds a reference
  void release() noexcept {
    if (references_.fetch_sub(1, memory_order_acq_rel) == 1)  // pairs with the other releases: their reads are over
      dispose_(*this);
  }
  /// \throws std::future_error future_already_retrieved, the second time.
  WEFT_EXPORT void note_retrieved();

  /// The right to store the outcome. \throws std::future_error promise_already_satisfied.
  WEFT_EXPORT void claim();
  WEFT_EXPORT void give_up_claim() noexcept;  ///< nothing was stored: another setter may try
  /// Makes the outcome visible and wakes all waiters. \pre the caller has claimed it, and stored the outcome
  WEFT_EXPORT void publish() noexcept;
  void set_exception(std::exception_ptr failure) {
    claim();
    store_exception(std::move(failure));
    publish();
  }
  void store_exception(std::exception_ptr failure) noexcept {
    failure_ = std::move(failure);
    outcome_ = outcome::exception;
  }
  /// No promise is left: broken_promise for those who wait, unless an outcome has been set.
  WEFT_EXPORT void abandon() noexcept;

  [[nodiscard]] bool is_deferred() const noexcept {
    return deferred_.load(memory_order_relaxed) != nullptr;  // relaxed: what made the future visible shows this, too
  }
  /// Waits until the outcome is there; runs a deferred function here if nobody has. \return false: the deadline passed.
  /// A cancellation point. \throws weft::cancelled
  bool wait_until(std::chrono::steady_clock::time_point deadline) {
    if (is_deferred()) run_deferred();
    return wait_steady(deadline);
  }
  /// The same without deadline or cancellation point, for destructors.
  WEFT_EXPORT void wait_shielded() noexcept;

 protected:
  enum class outcome : std::uint8_t { none, value, exception, broken };
  explicit shared_result(dispose_fn dispose, deferred_fn deferred = nullptr) noexcept
      : deferred_(deferred), dispose_(dispose) {}
  ~shared_result() = default;
  /// \pre the outcome is there \throws what was stored, std::future_error broken_promise
  void rethrow_failure() const {
    if (outcome_ != outcome::value) [[unlikely]]
      throw_failure();
  }
  outcome outcome_ = outcome::none;  // written between claim() and publish()

 private:
  static constexpr std::uintptr_t ready = 2;
  static constexpr std::uintptr_t claimed = 4;
  bool try_claim() noexcept;
  bool is_ready() const noexcept;
  bool wait_in_queue(std::chrono::steady_clock::time_point deadline, bool shielded);
  WEFT_EXPORT bool wait_steady(std::chrono::steady_clock::time_point deadline);
  WEFT_EXPORT void run_deferred();
  [[noreturn]] WEFT_EXPORT void throw_failure() const;

  atomic<bool> retrieved_{false};
  atomic<std::uint32_t> references_{1};
  atomic<std::uintptr_t> word_{0};  // table in src/sync/shared_result.cpp
  atomic<deferred_fn> deferred_;    // null once somebody runs it
  const dispose_fn dispose_;
  std::exception_ptr failure_;
};

/// A state with room for a result.
template <class T>
class shared_value : public shared_result {
  struct nothing {};
  using stored = std::conditional_t<
      std::is_void_v<T>, nothing,
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::remove_const_t<T>>>;

 public:
  explicit shared_value(dispose_fn dispose, deferred_fn deferred = nullptr) noexcept
      : shared_result(dispose, deferred) {}
  ~shared_value() {
    if (outcome_ == outcome::value) value_.~stored();
  }

  /// Stores what `make()` returns. \pre claimed
  template <class Make>
  void store(Make&& make) {
    if constexpr (std::is_void_v<T>) {
      std::forward<Make>(make)();
      ::new (static_cast<void*>(std::addressof(value_))) stored();
    } else if constexpr (std::is_reference_v<T>) {
      ::new (static_cast<void*>(std::addressof(value_))) stored(std::addressof(std::forward<Make>(make)()));
    } else {
      ::new (static_cast<void*>(std::addressof(value_))) stored(std::forward<Make>(make)());
    }
    outcome_ = outcome::value;
  }
  /// The same; what it throws becomes the outcome.
  template <class Make>
  void store_or_catch(Make&& make) noexcept {
    try {
      store(std::forward<Make>(make));
    } catch (...) {
      store_exception(std::current_exception());
    }
  }
  /// What promise::set_value() does: if the value's constructor throws, nothing was set.
  template <class Make>
  void set_value(Make&& make) {
    claim();
    try {
      store(std::forward<Make>(make));
    } catch (...) {
      give_up_claim();
      throw;
    }
    publish();
  }
  /// \pre the outcome is there
  stored& value() {
    rethrow_failure();
    return value_;
  }

 private:
  union {
    stored value_;  // alive if outcome_ is value
  };
};

/// A counted pointer to a state.
template <class State>
class result_ref {
 public:
  result_ref() noexcept = default;
  explicit result_ref(State* adopted) noexcept : state_(adopted) {}  ///< takes over one reference
  result_ref(const result_ref& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->retain();
  }
  result_ref(result_ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  result_ref& operator=(result_ref other) noexcept {
    swap(other);
    return *this;
  }
  ~result_ref() {
    if (state_ != nullptr) state_->release();
  }
  void swap(result_ref& other) noexcept { std::swap(state_, other.state_); }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// \throws std::future_error no_state
  State& checked() const {
    if (state_ == nullptr) [[unlikely]]
      throw_future_error(std::future_errc::no_state);
    return *state_;
  }
  State* get() const noexcept { return state_; }

 private:
  State* state_ = nullptr;
};

}  // namespace weft::inline v0::detail
