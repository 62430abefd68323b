/// \file   weft/sched/fiber.hpp
/// \brief  fiber: a join handle, and spawn(), which makes one.
#pragma once
#include <chrono>       // durations
#include <type_traits>  // is_void
#include <utility>      // exchange, forward

#include <weft/sched/spawn_seam.hpp>  // library calls
#include <weft/sched/time.hpp>        // deadline_after

namespace weft::inline v0 {

/// Move-only handle of a spawned fiber, with the meaning of std::jthread: its destructor requests stop and joins.
///
/// Threads:  one handle is used by one thread at a time; the handle may be passed to any fiber or OS thread.
/// Blocking: join() parks a fiber and blocks a plain thread.
/// Memory:   8 bytes; the fiber itself is 128 bytes until it first runs.
/// Failure:  an exception that escapes the fiber is rethrown by join(). If nobody joins, ~fiber reports it with the
///           fiber's name on standard error; from a detached fiber it terminates the program.
template <class R = void>
class fiber {
 public:
  using id = fiber_id;
  fiber() noexcept = default;
  explicit fiber(detail::fiber_record* r) noexcept : record_(r) {}  ///< used by weft
  fiber(fiber&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  fiber& operator=(fiber&& other) noexcept {
    if (this != &other) {
      if (record_ != nullptr) detail::stop_and_join(*record_);
      record_ = std::exchange(other.record_, nullptr);
    }
    return *this;
  }
  ~fiber() {
    if (record_ != nullptr) detail::stop_and_join(*record_);
  }

  bool joinable() const noexcept { return record_ != nullptr; }
  fiber_id get_id() const noexcept { return record_ == nullptr ? fiber_id{} : detail::id_of(*record_); }

  /// Waits for the end and returns the result, or rethrows what escaped the fiber. Afterwards not joinable.
  /// A cancellation point; a cancelled join leaves the handle joinable.
  /// \throws std::system_error invalid_argument: not joinable; resource_deadlock_would_occur: the caller itself.
  R join() {
    if (record_ == nullptr) detail::throw_not_joinable();
    detail::join_wait(*record_, std::chrono::steady_clock::time_point::max(), false);
    detail::fiber_record& r = *std::exchange(record_, nullptr);
    if (r.outcome == detail::fiber_outcome::exception) detail::rethrow_failure(r);
    const releaser release{r};
    return detail::result_slot<R>::take(r);
  }
  /// \return true: ended; join() will return at once. false: `timeout` passed first. Never rethrows the fiber's failure.
  template <class Rep, class Period>
  bool join_for(std::chrono::duration<Rep, Period> timeout) {
    return join_until(detail::deadline_after(timeout));
  }
  bool join_until(std::chrono::steady_clock::time_point deadline) {
    if (record_ == nullptr) detail::throw_not_joinable();
    return detail::join_wait(*record_, deadline, false);
  }
  /// Lets the fiber run on its own. \throws std::system_error invalid_argument: not joinable.
  void detach() {
    if (record_ == nullptr) detail::throw_not_joinable();
    detail::detach_record(*std::exchange(record_, nullptr));
  }
  /// Asks the fiber to stop: its next (or current) cancellation point throws weft::cancelled. Never blocks.
  void request_stop() noexcept {
    if (record_ != nullptr) detail::request_stop(*record_);
  }
  [[nodiscard]] stop_token get_stop_token() const noexcept {
    return record_ == nullptr ? stop_token{} : detail::stop_token_of(*record_);
  }
  void swap(fiber& other) noexcept { std::swap(record_, other.record_); }

 private:
  struct releaser {
    detail::fiber_record& r;
    ~releaser() { detail::release_record(r); }
  };
  detail::fiber_record* record_ = nullptr;
};

namespace detail {
template <class F, class... A>
[[gnu::always_inline]] inline auto spawn_with(const fiber_options* options, void* site, F&& f, A&&... a) {
  fiber_record& r = begin_spawn(site);
  emplace_closure(r, options, std::forward<F>(f), std::forward<A>(a)...);
  commit_spawn(r);
  return fiber<spawn_result<F, A...>>(&r);
}
}  // namespace detail

/// Runs `f(args...)` (decayed copies, as std::thread) as a new fiber of the calling fiber's runtime. Does not suspend.
/// No order of start is promised. Cost: about one closure copy; a stack is bound when the fiber first runs.
/// \throws std::system_error operation_not_permitted: not called inside a fiber (use runtime::spawn); std::bad_alloc;
///         what copying the arguments throws.
template <class F, class... A>
requires(!std::is_same_v<std::decay_t<F>, fiber_options>) [[nodiscard, gnu::noinline]] auto spawn(F&& f, A&&... args) {
  return detail::spawn_with(nullptr, __builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
}
/// As above with options. \throws also std::invalid_argument: a bad stack size.
template <class F, class... A>
[[nodiscard, gnu::noinline]] auto spawn(const fiber_options& options, F&& f, A&&... args) {
  return detail::spawn_with(&options, __builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
}

}  // namespace weft::inline v0
