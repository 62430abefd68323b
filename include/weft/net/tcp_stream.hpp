/// \file   weft/net/tcp_stream.hpp
/// \brief  A connected TCP socket that is read and written as if it blocked.
#pragma once
#include <chrono>        // durations
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint16_t, int64_t
#include <span>          // span
#include <string_view>   // string_view
#include <system_error>  // error_code

#include <weft/base/config.hpp>    // WEFT_EXPORT
#include <weft/io/descriptor.hpp>  // descriptor
#include <weft/net/endpoint.hpp>   // endpoint
#include <weft/net/timeout.hpp>    // timeout_ns
#include <weft/sched/time.hpp>     // deadline_after, steady_deadline

namespace weft::inline v0::net {

/// Move-only; the destructor closes.
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
class WEFT_EXPORT tcp_stream {
 public:
  tcp_stream() noexcept = default;  ///< no socket: every operation says bad_file_descriptor
  tcp_stream(tcp_stream&&) noexcept = default;
  tcp_stream& operator=(tcp_stream&&) noexcept = default;

  /// \throws also errc::address_family_not_supported (not an IP endpoint), connection_refused, host_unreachable,
  ///         too_many_files_open, ...
  static tcp_stream connect(const endpoint& to);
  static tcp_stream connect(const endpoint& to, std::error_code& error);
  /// Looks the name up on the blocking pool, then tries its addresses in order. The last failure is the one reported.
  /// \throws also codes of resolve_category().
  static tcp_stream connect(std::string_view host, std::uint16_t port);
  static tcp_stream connect(std::string_view host, std::uint16_t port, std::error_code& error);
  /// As connect(), but gives up with timed_out.
  template <class Rep, class Period>
  static tcp_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout) {
    return connect_until(to, detail::deadline_after(timeout));
  }
  template <class Rep, class Period>
  static tcp_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout,
                                std::error_code& error) {
    return connect_until(to, detail::deadline_after(timeout), error);
  }
  static tcp_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline);
  static tcp_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline,
                                  std::error_code& error);

  /// Takes over a connected stream socket of any family and makes it non-blocking. On failure (errc::not_a_socket,
  /// wrong_protocol_type when it is no stream) the number stays the caller's.
  static tcp_stream from_native(int fd);
  static tcp_stream from_native(int fd, std::error_code& error);

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

  /// Ends the operations that wait (operation_canceled) and all later ones. The number is closed by the last operation
  /// that leaves: here, unless one is inside. A repeated call does nothing. Never suspends.
  void close();
  void close(std::error_code& error) noexcept;
  [[nodiscard]] bool is_open() const noexcept { return socket_.native() >= 0; }

  /// The descriptor, still owned by this object, or -1. Must not be closed by other means.
  [[nodiscard]] int native_handle() const noexcept { return socket_.native(); }

  /// Longest time that one later operation (the whole of read_exactly and write_all) may wait, from its first wait on.
  /// Zero or less: does not wait. clear_timeout() takes the limit away.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> timeout) noexcept {
    timeout_ns_ = detail::timeout_ns(timeout);
  }
  void clear_timeout() noexcept { timeout_ns_ = detail::no_timeout_ns; }

  [[nodiscard]] endpoint local_endpoint() const;
  endpoint local_endpoint(std::error_code& error) const;
  [[nodiscard]] endpoint remote_endpoint() const;
  endpoint remote_endpoint(std::error_code& error) const;

  /// True: small writes are sent at once (TCP_NODELAY).
  void set_no_delay(bool on);
  void set_no_delay(bool on, std::error_code& error) noexcept;

 private:
  friend class tcp_listener;
  tcp_stream(detail::descriptor socket, bool is_tcp) noexcept : socket_(std::move(socket)), is_tcp_(is_tcp) {}

  detail::descriptor socket_;
  std::int64_t timeout_ns_ = detail::no_timeout_ns;
  bool is_tcp_ = false;  // else from_native gave a stream of another protocol: a short read then says nothing
};

}  // namespace weft::inline v0::net
