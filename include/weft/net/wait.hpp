/// \file   weft/net/wait.hpp
/// \brief  Waiting for any descriptor: for libraries that bring their own (libpq, curl), eventfds, pipes.
#pragma once
#include <chrono>        // durations
#include <system_error>  // error_code

#include <weft/io/wait_descriptor.hpp>  // wait_descriptor
#include <weft/sched/time.hpp>          // deadline_after

namespace weft::inline v0 {

/// All of them, with the meaning of poll(2): return when a read (write) would not block: data, room, end or error.
/// The descriptor may be in any mode and belong to anyone; several fibers may wait for one, for the same or for both
/// directions. While a fiber waits it is registered through a duplicate, so closing the number meanwhile neither ends the
/// wait nor confuses a later owner of the number; whoever closes it should have ended the wait before.
///
/// Threads:  any. Blocking: a fiber parks, a plain thread sleeps in poll(2). A cancellation point, always.
/// Cost:     one system call when ready; six and a park otherwise.
/// Errors:   bad_file_descriptor, too_many_files_open (no number for the duplicate), not_enough_memory.
/// Timed forms return false when the time has passed; time zero polls.
namespace net {

inline void wait_readable(int fd) { detail::wait_descriptor(fd, false, detail::wait_forever); }
inline void wait_readable(int fd, std::error_code& error) {
  detail::wait_descriptor(fd, false, detail::wait_forever, error);
}
inline void wait_writable(int fd) { detail::wait_descriptor(fd, true, detail::wait_forever); }
inline void wait_writable(int fd, std::error_code& error) {
  detail::wait_descriptor(fd, true, detail::wait_forever, error);
}

template <class Rep, class Period>
[[nodiscard]] bool wait_readable_for(int fd, std::chrono::duration<Rep, Period> timeout) {
  return detail::wait_descriptor(fd, false, detail::deadline_after(timeout));
}
template <class Rep, class Period>
[[nodiscard]] bool wait_readable_for(int fd, std::chrono::duration<Rep, Period> timeout, std::error_code& error) {
  return detail::wait_descriptor(fd, false, detail::deadline_after(timeout), error);
}
template <class Rep, class Period>
[[nodiscard]] bool wait_writable_for(int fd, std::chrono::duration<Rep, Period> timeout) {
  return detail::wait_descriptor(fd, true, detail::deadline_after(timeout));
}
template <class Rep, class Period>
[[nodiscard]] bool wait_writable_for(int fd, std::chrono::duration<Rep, Period> timeout, std::error_code& error) {
  return detail::wait_descriptor(fd, true, detail::deadline_after(timeout), error);
}

template <class Clock, class Duration>
[[nodiscard]] bool wait_readable_until(int fd, std::chrono::time_point<Clock, Duration> until) {
  return detail::wait_descriptor(fd, false, detail::steady_deadline(until));
}
template <class Clock, class Duration>
[[nodiscard]] bool wait_readable_until(int fd, std::chrono::time_point<Clock, Duration> until, std::error_code& error) {
  return detail::wait_descriptor(fd, false, detail::steady_deadline(until), error);
}
template <class Clock, class Duration>
[[nodiscard]] bool wait_writable_until(int fd, std::chrono::time_point<Clock, Duration> until) {
  return detail::wait_descriptor(fd, true, detail::steady_deadline(until));
}
template <class Clock, class Duration>
[[nodiscard]] bool wait_writable_until(int fd, std::chrono::time_point<Clock, Duration> until, std::error_code& error) {
  return detail::wait_descriptor(fd, true, detail::steady_deadline(until), error);
}

}  // namespace net
}  // namespace weft::inline v0
