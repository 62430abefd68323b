/// \file   weft/sync/barrier.hpp
/// \brief  A meeting point of a fixed number of fibers and OS threads, phase after phase.
#pragma once
#include <chrono>       // duration, time_point
#include <cstddef>      // ptrdiff_t
#include <cstdint>      // fixed-width integers
#include <type_traits>  // is_nothrow_invocable
#include <utility>      // move

#include <weft/base/atomic.hpp>       // atomic
#include <weft/base/config.hpp>       // WEFT_EXPORT
#include <weft/sched/this_fiber.hpp>  // cancel_shield
#include <weft/sched/time.hpp>        // deadlines
#include <weft/sync/retry_until.hpp>  // clocks other than the steady one

namespace weft::inline v0 {

namespace detail {

class waiter;

struct no_completion {
  void operator()() const noexcept {}
};

/// What barriers of all completion functions share. Who arrives last ("completes") runs the function, then next_phase().
class barrier_core {
 public:
  static constexpr std::ptrdiff_t most = INT32_MAX;  ///< the count has 32 bits

  constexpr explicit barrier_core(std::ptrdiff_t expected) noexcept
      : word_(static_cast<std::uint64_t>(expected) * one_arrival), expected_(expected) {}
  ~barrier_core() {
    if (first_ != nullptr) [[unlikely]]
      destroyed_in_use();
  }
  barrier_core(const barrier_core&) = delete;
  barrier_core& operator=(const barrier_core&) = delete;

  struct arrival {
    std::uint32_t phase;  ///< that the arrival belongs to
    bool completes;       ///< it was the last: the caller owes next_phase()
  };
  WEFT_EXPORT arrival arrive(std::ptrdiff_t n) noexcept;
  /// Arrives; when others are still to come, waits for them, and the result is meaningless: all is done.
  /// \return completes: as arrive(). May throw cancelled with the arrival made, and then `made.completes` says as above.
  WEFT_EXPORT void arrive_and_wait(arrival& made);
  WEFT_EXPORT void expect_one_less() noexcept;
  WEFT_EXPORT void next_phase() noexcept;
  WEFT_EXPORT bool wait_steady(std::uint32_t phase, std::chrono::steady_clock::time_point deadline);

 private:
  static constexpr std::uint64_t one_phase = 4, one_arrival = std::uint64_t{1} << 32;
  bool park(waiter& self, std::chrono::steady_clock::time_point deadline);
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  atomic<std::uint64_t> word_;       ///< table in src/sync/barrier.cpp
  waiter* first_ = nullptr;          ///< head of the waiters, under the word's lock
  atomic<std::ptrdiff_t> expected_;  ///< arrivals of the next phase
};

}  // namespace detail

/// As std::barrier.
///
/// Threads:  all members may run at the same time, from fibers and OS threads; the destructor may not.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel.
/// Completion: runs exactly once a phase, in the call that arrives last, before anybody is let through. It must not throw
///           (checked when compiled). It may suspend; stops are not delivered to it (a cancel_shield is in scope), since
///           weft::cancelled could not leave it.
/// Ordering: each arrival happens-before the completion, and that before the return of every wait for its phase.
/// Memory:   24 bytes and the completion function, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as a wait has returned, even while the arrival that ended it, or the
///           arrive_and_wait() of others in that phase, has not returned yet.
///           A wait whose time passed or that was stopped touches it until it returns.
/// Beyond std: waits are cancellation points if they have to wait; a cancelled one leaves its arrival behind, so the
///           others are not held up by it in this phase. Who will not come again says so by arrive_and_drop().
template <class CompletionFunction = detail::no_completion>
class barrier {
  static_assert(std::is_nothrow_invocable_v<CompletionFunction&>, "the completion function must be noexcept");

 public:
  /// What an arrival gives: the phase to wait for. Movable, not copyable.
  class arrival_token {
   public:
    arrival_token(arrival_token&&) noexcept = default;
    arrival_token& operator=(arrival_token&&) noexcept = default;

   private:
    friend class barrier;
    explicit arrival_token(std::uint32_t phase) noexcept : phase_(phase) {}
    std::uint32_t phase_;
  };

  /// The largest number of participants.
  static constexpr std::ptrdiff_t max() noexcept { return detail::barrier_core::most; }

  /// \pre 0 <= expected <= max(). \pre of the destructor: nobody waits (checked, also in release builds).
  constexpr explicit barrier(std::ptrdiff_t expected, CompletionFunction completion = CompletionFunction())
      : core_(expected), completion_(std::move(completion)) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  /// Arrives `n` times, without waiting; the last arrival of a phase runs the completion function and lets all through.
  /// \pre 0 < n <= arrivals still expected in this phase (checked).
  /// \par Cost  one compare-exchange; the last one O(waiters) and the completion.
  [[nodiscard]] arrival_token arrive(std::ptrdiff_t n = 1) {
    const auto made = core_.arrive(n);
    complete_if_last(made);
    return arrival_token(made.phase);
  }
  /// Waits until the phase of `arrived` is complete. A cancellation point if it has to wait.
  /// \pre `arrived` is of this barrier, of its current phase or the one before.
  /// \throws weft::cancelled  the fiber was asked to stop before that; the arrival stays.
  void wait(arrival_token&& arrived) const {
    core_.wait_steady(arrived.phase_, std::chrono::steady_clock::time_point::max());
  }
  /// As wait(), but gives up after `timeout` (not positive: polls); the token may be waited for again.
  /// \return true: the phase is complete.
  template <class Rep, class Period>
  bool wait_for(const arrival_token& arrived, std::chrono::duration<Rep, Period> timeout) const {
    return core_.wait_steady(arrived.phase_, detail::deadline_after(timeout));
  }
  template <class Clock, class Duration>
  bool wait_until(const arrival_token& arrived, std::chrono::time_point<Clock, Duration> until) const {
    return detail::retry_until(until, [&](auto deadline) { return core_.wait_steady(arrived.phase_, deadline); });
  }

  /// wait(arrive()). \throws weft::cancelled  as wait(); the arrival stays: if it was the last, the phase is complete.
  void arrive_and_wait() {
    detail::barrier_core::arrival made{};
    try {
      core_.arrive_and_wait(made);
    } catch (...) {
      complete_if_last(made);
      throw;
    }
    complete_if_last(made);
  }
  /// Arrives, and will not be expected in the phases after this one.
  void arrive_and_drop() {
    core_.expect_one_less();
    complete_if_last(core_.arrive(1));
  }

 private:
  // The barrier may be gone when it returns.
  void complete_if_last(const detail::barrier_core::arrival& made) noexcept {
    if (!made.completes) return;
    {
      const cancel_shield shield;
      completion_();
    }
    core_.next_phase();
  }
  mutable detail::barrier_core core_;
  [[no_unique_address]] CompletionFunction completion_;
};

}  // namespace weft::inline v0
