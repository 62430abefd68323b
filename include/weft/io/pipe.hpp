/// \file   weft/io/pipe.hpp
/// \brief  Pipes: one end writes, the other reads, in fibers, threads or other processes.
#pragma once
#include <chrono>        // durations
#include <cstddef>       // byte, size_t
#include <cstdint>       // int64_t
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>     // WEFT_EXPORT
#include <weft/io/descriptor.hpp>   // descriptor
#include <weft/io/end_of_file.hpp>  // error::end_of_file
#include <weft/io/timeout.hpp>      // timeout_ns

namespace weft::inline v0 {
namespace detail {

/// What both ends have.
///
/// Threads:  one operation at a time on an end (a second gets errc::device_or_resource_busy), together with close() from
///           anywhere. Moving, destroying and set_timeout() need the object for themselves.
/// Blocking: a waiting fiber parks, a waiting plain thread sleeps in poll(2).
/// Stop:     reads and writes are cancellation points, also when they need not wait, and throw weft::cancelled from both
///           overloads. Bytes already moved by read_exactly, read_to_end and write_all are then lost to the caller.
/// Errors:   std::system_error, or the last argument. timed_out: the time given had passed; operation_canceled: closed
///           while the operation waited; bad_file_descriptor: closed before; broken_pipe: nobody can read any more. EINTR and
///           partial transfers are dealt with inside. SIGPIPE is never raised.
/// Memory:   none but what read_to_end returns.
class WEFT_EXPORT pipe_end {
 public:
  /// Longest time that one later operation (the whole of read_exactly, read_to_end and write_all) may wait, from its first
  /// wait on. Zero or less: does not wait. clear_timeout() takes the limit away.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> timeout) noexcept {
    timeout_ns_ = detail::timeout_ns(timeout);
  }
  void clear_timeout() noexcept { timeout_ns_ = no_timeout_ns; }

  /// Ends the operation that waits (operation_canceled) and all later ones; the other end sees an end of file, or
  /// broken_pipe, as soon as no copy of this end is open anywhere. The number is closed by the operation inside, if there is
  /// one. A repeated call does nothing. Never suspends.
  void close();
  void close(std::error_code& error) noexcept { error = end_.close(); }
  [[nodiscard]] bool is_open() const noexcept { return end_.native() >= 0; }
  /// The descriptor, non-blocking and still owned by this object, or -1. Must not be closed by other means.
  [[nodiscard]] int native_handle() const noexcept { return end_.native(); }

 protected:
  pipe_end() noexcept = default;
  explicit pipe_end(descriptor end) noexcept : end_(std::move(end)) {}
  pipe_end(pipe_end&&) noexcept = default;
  pipe_end& operator=(pipe_end&&) noexcept = default;
  ~pipe_end() = default;
  descriptor_handle handle() const noexcept { return end_.handle(); }
  std::int64_t current_timeout_ns() const noexcept { return timeout_ns_; }

 private:
  descriptor end_;
  std::int64_t timeout_ns_ = no_timeout_ns;
};

}  // namespace detail

/// Threads, blocking, stops, errors: detail::pipe_end, above.
class WEFT_EXPORT pipe_reader : public detail::pipe_end {
 public:
  pipe_reader() noexcept = default;
  /// Makes an open descriptor of anybody's ours (a FIFO, the end of a pipe, a terminal) and non-blocking: so are then all
  /// copies of it, in other processes too. On failure it stays theirs. Cost: a table entry.
  static pipe_reader from_native(int fd);
  static pipe_reader from_native(int fd, std::error_code& error);

  /// At least one byte. \return how many; 0: all writers are gone (or an empty span)
  std::size_t read_some(std::span<std::byte> into);
  std::size_t read_some(std::span<std::byte> into, std::error_code& error);
  /// The whole span. fs::error::end_of_file: there was less. \return how much was read, also when it failed
  std::size_t read_exactly(std::span<std::byte> into);
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error);
  /// All that comes until the writers are gone; after an error, what came before it. \throws std::bad_alloc
  [[nodiscard]] std::string read_to_end();
  std::string read_to_end(std::error_code& error);

 private:
  explicit pipe_reader(detail::descriptor end) noexcept : pipe_end(std::move(end)) {}
};

class WEFT_EXPORT pipe_writer : public detail::pipe_end {
 public:
  pipe_writer() noexcept = default;
  static pipe_writer from_native(int fd);  ///< as pipe_reader::from_native
  static pipe_writer from_native(int fd, std::error_code& error);

  /// \return how many were taken, at least one unless the span is empty
  std::size_t write_some(std::span<const std::byte> from);
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error);
  /// The whole span; other writers' bytes may come in between after each 4096. \return how much was taken, also when it
  /// failed
  std::size_t write_all(std::span<const std::byte> from);
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error);

 private:
  explicit pipe_writer(detail::descriptor end) noexcept : pipe_end(std::move(end)) {}
};

/// Both ends of a new pipe, non-blocking and close-on-exec. Never suspends.
struct WEFT_EXPORT pipe {
  pipe();                                 ///< \throws std::system_error, std::bad_alloc
  explicit pipe(std::error_code& error);  ///< with closed ends after an error
  pipe_reader reader;
  pipe_writer writer;
};

}  // namespace weft::inline v0
