/// \file   weft/sched/this_fiber.hpp
/// \brief  What running code can ask of, and do to, the fiber it runs in.
#pragma once
#include <chrono>       // durations
#include <cstddef>      // size_t
#include <string_view>  // string_view

#include <weft/fiber/fiber_id.hpp>    // fiber_id
#include <weft/fiber/options.hpp>     // migration
#include <weft/fiber/stop_token.hpp>  // stop_token
#include <weft/sched/time.hpp>        // deadline_after

namespace weft::inline v0 {
namespace detail {
WEFT_EXPORT void sleep_until(std::chrono::steady_clock::time_point deadline);
}

/// On a plain thread these fall back to the thread: yield and sleep act on it, its stop token never stops.
namespace this_fiber {

/// Lets other ready fibers of this worker run. May suspend; not a cancellation point. Cost: about one switch.
WEFT_EXPORT void yield();

/// Suspends for at least `d`; never early. A cancellation point. \throws weft::cancelled
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d) {
  detail::sleep_until(detail::deadline_after(d));
}
template <class Clock, class Duration>
void sleep_until(std::chrono::time_point<Clock, Duration> until) {
  detail::sleep_until(detail::steady_deadline(until));
}

WEFT_EXPORT fiber_id get_id() noexcept;
WEFT_EXPORT std::string_view name() noexcept;  ///< empty when none was given; valid until set_name or the end
WEFT_EXPORT void set_name(std::string_view name) noexcept;  ///< copied, cut to 31 bytes; no effect on a plain thread
WEFT_EXPORT stop_token get_stop_token();  ///< in a blocking() call that of the fiber that made the call
WEFT_EXPORT void check_stop();            ///< a cancellation point that never suspends \throws weft::cancelled
WEFT_EXPORT std::size_t
stack_remaining() noexcept;  ///< bytes left above the guard; on a plain thread of its own stack; inside a coroutine 0
WEFT_EXPORT bool is_fiber() noexcept;
WEFT_EXPORT void set_migration(migration m) noexcept;

}  // namespace this_fiber

/// While one is in scope, stop requests from outside are not delivered to this fiber: its waits are no cancellation
/// points. They stay pending. For destructors that wait and for callbacks from C.
class WEFT_EXPORT cancel_shield {
 public:
  cancel_shield() noexcept;
  ~cancel_shield();
  cancel_shield(const cancel_shield&) = delete;
  cancel_shield& operator=(const cancel_shield&) = delete;
};

/// A suspension while one is in scope aborts with a report that names the fiber, in every build. For sections that hold a std::mutex or other thread-owned things.
class WEFT_EXPORT no_suspend {
 public:
  no_suspend() noexcept : no_suspend("in a no_suspend section") {}
  explicit no_suspend(const char* why) noexcept;  ///< for the report; a literal
  ~no_suspend();
  no_suspend(const no_suspend&) = delete;
  no_suspend& operator=(const no_suspend&) = delete;
};

}  // namespace weft::inline v0
