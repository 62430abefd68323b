/// \file   weft/task/deadline.hpp
/// \brief  A time limit for any piece of code.
#pragma once
#include <chrono>     // durations
#include <stdexcept>  // runtime_error
#include <utility>    // forward

#include <weft/fiber/cancelled.hpp>  // cancelled
#include <weft/sched/stop_tree.hpp>  // deadline_frame
#include <weft/sched/time.hpp>       // deadline_after, steady_deadline

namespace weft::inline v0 {

/// Thrown by with_timeout and with_deadline.
struct WEFT_EXPORT timed_out : std::runtime_error {
  timed_out() : std::runtime_error("weft: the time limit has passed") {}
};

/// Runs `f()`, and stops it at `until`: its next cancellation point throws weft::cancelled, and so do those of the
/// children of all scopes it has opened; with_deadline throws timed_out when that has unwound. An enclosing deadline that
/// is earlier stays in force: deadlines only shrink. A result that is returned in spite of the deadline is kept.
///
/// Stops:    when the fiber itself, or something around, is stopped too, weft::cancelled goes on instead.
/// Late:     the deadline is noticed when the fiber's worker comes round; code that never suspends is not interrupted.
/// Cost:     about 150 ns, no system call, and one timer.
/// \throws   timed_out; what `f` throws; std::system_error(operation_not_permitted) outside a fiber; std::bad_alloc
template <class Clock, class Duration, class F>
decltype(auto) with_deadline(std::chrono::time_point<Clock, Duration> until, F&& f) {
  detail::deadline_frame frame(detail::steady_deadline(until));
  try {
    return std::forward<F>(f)();
  } catch (const cancelled&) {
    if (frame.close()) throw timed_out();
    throw;
  }
}

/// As with_deadline, `timeout` from now. Not positive: `f` runs with the deadline passed, up to its first cancellation point.
template <class Rep, class Period, class F>
decltype(auto) with_timeout(std::chrono::duration<Rep, Period> timeout, F&& f) {
  return weft::with_deadline(detail::deadline_after(timeout), std::forward<F>(f));
}

}  // namespace weft::inline v0
