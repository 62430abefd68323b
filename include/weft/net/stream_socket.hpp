/// \file   weft/net/stream_socket.hpp
/// \brief  What all connected stream sockets have: reading and writing as if it blocked.
#pragma once
#include <concepts>      // convertible_to
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint64_t
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>      // WEFT_EXPORT
#include <weft/net/endpoint.hpp>     // endpoint
#include <weft/net/socket_base.hpp>  // socket_base

namespace weft::inline v0::detail {

/// What can be seen as a row of buffers. (A template, so that `{}` goes on to mean one empty buffer.)
template <class Row, class Byte>
concept row_of = std::convertible_to<const Row&, std::span<const std::span<Byte>>>;

/// The base of net::tcp_stream and net::unix_stream; not made by itself.
///
/// Threads:  one reader and one writer at a time, in fibers or plain threads, together with close(), shutdown_write(),
///           endpoints and options from anywhere. A second reader gets errc::device_or_resource_busy, and so does a second
///           writer. Moving, destroying and set_timeout() need the object for themselves.
/// Blocking: a waiting fiber parks, a waiting plain thread sleeps in poll(2).
/// Stop:     every operation that reads, writes or connects is a cancellation point, also when it need not wait, and throws
///           weft::cancelled from both overloads. Bytes already moved by a whole transfer are then lost to the caller.
/// Errors:   std::system_error, or the last argument. timed_out: the time given had passed; operation_canceled: closed
///           while the operation waited; bad_file_descriptor: closed before; connection_reset, broken_pipe, ... as from
///           the system. EINTR and partial transfers are dealt with inside. SIGPIPE is never raised.
/// Memory:   no allocation after connecting, but for send_file() where it has to read.
class WEFT_EXPORT stream_socket : public socket_base {
 public:
  /// At least one byte. \return how many; 0: end of stream (or an empty span).
  std::size_t read_some(std::span<std::byte> into);
  std::size_t read_some(std::span<std::byte> into, std::error_code& error);
  /// \return how many were taken, at least one unless the span is empty.
  std::size_t write_some(std::span<const std::byte> from);
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error);

  /// The whole span. net::error::end_of_stream: the peer ended before.
  /// \return (second form) how much was read, also when it failed.
  void read_exactly(std::span<std::byte> into);
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error);
  /// The whole span; no other writer's bytes come in between. \return (second form) how much was taken.
  void write_all(std::span<const std::byte> from);
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error);

  /// Both with many buffers (a vector or an array of spans), in order, as if they were one: readv and writev. Buffers
  /// without bytes are passed over. One system call takes up to 64 of them, which is what read_some() fills at most.
  template <row_of<std::byte> Row>
  std::size_t read_some(const Row& into) {
    return read_row(into);
  }
  template <row_of<std::byte> Row>
  std::size_t read_some(const Row& into, std::error_code& error) {
    return read_row(into, error);
  }
  template <row_of<const std::byte> Row>
  void write_all(const Row& from) {
    write_row(from);
  }
  template <row_of<const std::byte> Row>
  std::size_t write_all(const Row& from, std::error_code& error) {
    return write_row(from, error);
  }

  /// `count` bytes of a file, from `offset` on, without a copy into the process; no other writer's bytes come in between.
  /// \return how many were sent, less than `count` where the file ends (or, second form, when it failed).
  /// The file's own position stays.
  /// Blocking: room is waited for as in write_all(); the *file* is read by the calling thread. What the system has not in
  ///           memory stops that thread, a worker with all its fibers, until the disk or the network file system has
  ///           answered, at most 256 KiB at a time. For files that are rarely in memory read by weft::blocking() instead.
  /// Cost:     four system calls for every 256 KiB: sendfile(2) cannot be told to raise no SIGPIPE, so the signal is blocked
  ///           around it and one that comes is taken out.
  /// A descriptor of which the system cannot send so (EINVAL, ENOSYS: some file systems and devices) is read on the
  /// blocking pool, by 64 KiB.
  /// Errors:   also those of the file: bad_file_descriptor, errc::invalid_seek (a pipe), io_error, ...;
  ///           invalid_argument: the offset is beyond every file.
  std::uint64_t send_file(int fd, std::uint64_t offset, std::uint64_t count);
  std::uint64_t send_file(int fd, std::uint64_t offset, std::uint64_t count, std::error_code& error);

  /// From now on reads find the end, after what has already arrived, and a reader that waits is told so. What a TCP peer
  /// sends later is taken by the system all the same, and may be read; a Unix peer gets broken_pipe. Never suspends.
  void shutdown_read();
  void shutdown_read(std::error_code& error) noexcept;
  /// Tells the peer that no more will come; reading goes on. Never suspends.
  void shutdown_write();
  void shutdown_write(std::error_code& error) noexcept;

  [[nodiscard]] net::endpoint remote_endpoint() const;
  net::endpoint remote_endpoint(std::error_code& error) const;

 protected:
  explicit stream_socket(socket_kind kind) noexcept : socket_base(kind) {}
  /// `short_is_last`: a read that gets less than it asked for has emptied the socket, as TCP promises.
  stream_socket(socket_kind kind, descriptor socket, bool short_is_last) noexcept
      : socket_base(kind, std::move(socket)), short_is_last_(short_is_last) {}
  stream_socket(stream_socket&&) noexcept = default;
  stream_socket& operator=(stream_socket&&) noexcept = default;
  ~stream_socket() = default;

 private:
  std::size_t read_row(std::span<const std::span<std::byte>> into);
  std::size_t read_row(std::span<const std::span<std::byte>> into, std::error_code& error);
  void write_row(std::span<const std::span<const std::byte>> from);
  std::size_t write_row(std::span<const std::span<const std::byte>> from, std::error_code& error);

  bool short_is_last_ = false;
};

}  // namespace weft::inline v0::detail
