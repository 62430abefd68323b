/// \file   weft/io/signal_set.hpp
/// \brief  Waiting for signals, as for anything else.
#pragma once
#include <chrono>            // steady_clock
#include <initializer_list>  // initializer_list
#include <optional>          // optional
#include <system_error>      // error_code

#include <weft/base/config.hpp>    // WEFT_EXPORT
#include <weft/io/descriptor.hpp>  // descriptor
#include <weft/sched/time.hpp>     // deadline_after

namespace weft::inline v0 {
namespace detail {
struct signal_slot;
}

/// While one exists, the signals in it do what they did no more, but are noted for it. Several sets may have the same signal;
/// each gets it. When the last set that has a signal goes, what was set for it before is restored, unless somebody has set
/// another handler since.
///
///     weft::signal_set stop{SIGINT, SIGTERM};
///     stop.wait();
///
/// Counts:   wait() returns once for each time the handler ran, lower numbers first. A standard signal that is raised again while
///           it is pending is one for the kernel, so two quick ones may count as one; real-time signals are all counted. What came
///           with a signal (sender, value) is not kept. What nobody has waited for when the set goes is dropped.
/// Threads:  any number of fibers and plain threads may wait, each signal going to one of them; close() from anywhere.
///           Destroying needs the object for itself. A signal is noted on whatever thread the kernel chooses, and no worker need be
///           free for that; but one that all threads have blocked does not arrive.
/// Blocking: a waiting fiber parks, a plain thread sleeps in poll(2).
/// Stop:     waits are cancellation points, also when they need not wait.
/// Errors:   std::system_error, or the last argument. Constructing: invalid_argument for what is no signal, cannot be handled
///           (SIGKILL, SIGSTOP), or is the fault of an instruction that would only be repeated (SIGSEGV, SIGBUS, SIGFPE, SIGILL,
///           SIGTRAP); too_many_files_open. Waiting: operation_canceled: closed while it waited; bad_file_descriptor: before.
/// Cost:     one descriptor; another is kept for the next set. The handler makes one system call for each set that has the signal.
/// System calls of the program are restarted after the handler (SA_RESTART) where the kernel does that.
class WEFT_EXPORT signal_set {
 public:
  signal_set(std::initializer_list<int> signals);
  signal_set(std::initializer_list<int> signals,
             std::error_code& error);  ///< closed, and without signals, after an error
  ~signal_set();
  signal_set(const signal_set&) = delete;
  signal_set& operator=(const signal_set&) = delete;

  /// \return the number of the signal; 0 after an error
  int wait();
  int wait(std::error_code& error);
  /// \return nullopt: none came in time
  template <class Rep, class Period>
  [[nodiscard]] std::optional<int> wait_for(std::chrono::duration<Rep, Period> timeout) {
    return wait_until_steady(detail::deadline_after(timeout));
  }
  template <class Clock, class Duration>
  [[nodiscard]] std::optional<int> wait_until(std::chrono::time_point<Clock, Duration> until) {
    return wait_until_steady(detail::steady_deadline(until));
  }
  /// Never suspends; also after close(). \return nullopt: none has come
  [[nodiscard]] std::optional<int> try_wait() noexcept;

  /// Ends all waits. The signals go on being noted until the set is destroyed. Never suspends; a repeated call does nothing.
  void close() noexcept;

 private:
  std::optional<int> wait_until_steady(std::chrono::steady_clock::time_point deadline);
  std::optional<int> wait_until_steady(std::chrono::steady_clock::time_point deadline, std::error_code& error);

  detail::signal_slot* slot_ = nullptr;
  detail::descriptor events_;
};

}  // namespace weft::inline v0
