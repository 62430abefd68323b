/// \file   weft/io/standard_streams.hpp
/// \brief  Standard input, output and error without blocking a worker.
#pragma once
#include <chrono>        // durations
#include <cstddef>       // byte, size_t
#include <cstdint>       // int64_t
#include <span>          // span
#include <string_view>   // string_view
#include <system_error>  // error_code

#include <weft/base/config.hpp>     // WEFT_EXPORT
#include <weft/io/end_of_file.hpp>  // error::end_of_file
#include <weft/io/timeout.hpp>      // timeout_ns

namespace weft::inline v0 {
namespace detail {

/// A descriptor that others use too, so that it is left in the mode in which it is: O_NONBLOCK would be seen by the shell, and
/// by all that share the terminal or the pipe. Whatever the descriptor is (terminal, pipe, file, socket, /dev/null), and
/// whichever mode it is in, a fiber that waits for it parks.
///
/// Threads:  any number of operations at a time; each moves some bytes of its own, in no particular order. The object is a
///           name: copies share nothing but the descriptor, and its destruction closes nothing.
/// Blocking: a fiber parks, a plain thread blocks.
/// Stop:     cancellation points, also when they need not wait. Where the kernel cannot try a call without sleeping
///           (terminals; pipes before Linux 6.5; files that are not in memory) a thread of the blocking pool makes it,
///           after poll(2) has called it ready; it is not cut short then. It sleeps only if somebody else took what was there.
/// Errors:   std::system_error, or the last argument: timed_out, broken_pipe (SIGPIPE is never raised), the system's.
/// Cost:     a system call when ready, else seven and a park; a trip to another thread in the cases above.
class WEFT_EXPORT shared_stream {
 public:
  /// Longest time that one later operation through this object may wait, from its first wait on. Zero or less: does not wait.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> timeout) noexcept {
    timeout_ns_ = detail::timeout_ns(timeout);
  }
  void clear_timeout() noexcept { timeout_ns_ = no_timeout_ns; }
  [[nodiscard]] int native_handle() const noexcept { return fd_; }

 protected:
  explicit shared_stream(int fd) noexcept : fd_(fd) {}
  int fd_;
  std::int64_t timeout_ns_ = no_timeout_ns;
};

}  // namespace detail

/// Reads a descriptor that is others' too, and that they keep open; see detail::shared_stream.
class WEFT_EXPORT input_stream : public detail::shared_stream {
 public:
  explicit input_stream(int fd) noexcept : shared_stream(fd) {}
  /// At least one byte; of a terminal a line, or what there is of it. \return how many; 0: end of file (or an empty span)
  std::size_t read_some(std::span<std::byte> into);
  std::size_t read_some(std::span<std::byte> into, std::error_code& error);
  /// The whole span. fs::error::end_of_file: there was less. \return how much was read, also when it failed
  std::size_t read_exactly(std::span<std::byte> into);
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error);
};

/// Writes a descriptor that is others' too. Nothing is buffered here; what std::cout holds back may come later.
class WEFT_EXPORT output_stream : public detail::shared_stream {
 public:
  explicit output_stream(int fd) noexcept : shared_stream(fd) {}
  /// \return how many were taken, at least one unless the span is empty
  std::size_t write_some(std::span<const std::byte> from);
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error);
  /// The whole span; other writers' bytes may come in between. \return how much was taken, also when it failed
  std::size_t write_all(std::span<const std::byte> from);
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error);
  std::size_t write_all(std::string_view text) { return write_all(std::as_bytes(std::span(text))); }
  std::size_t write_all(std::string_view text, std::error_code& error) {
    return write_all(std::as_bytes(std::span(text)), error);
  }
};

[[nodiscard]] inline input_stream standard_input() noexcept { return input_stream(0); }
[[nodiscard]] inline output_stream standard_output() noexcept { return output_stream(1); }
[[nodiscard]] inline output_stream standard_error() noexcept { return output_stream(2); }

}  // namespace weft::inline v0
