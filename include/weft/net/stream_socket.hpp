/// \file   weft/net/stream_socket.hpp
/// \brief  What all connected stream sockets have: reading and writing as if it blocked.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>      // WEFT_EXPORT
#include <weft/net/endpoint.hpp>     // endpoint
#include <weft/net/socket_base.hpp>  // socket_base

namespace weft::inline v0::detail {

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
/// Memory:   no allocation after connecting.
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
  bool short_is_last_ = false;
};

}  // namespace weft::inline v0::detail
