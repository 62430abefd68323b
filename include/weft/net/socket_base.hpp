/// \file   weft/net/socket_base.hpp
/// \brief  What all sockets have: a descriptor, a time limit for waiting, an address, and an end.
#pragma once
#include <chrono>        // durations
#include <cstdint>       // uint8_t, int64_t
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>    // WEFT_EXPORT
#include <weft/io/descriptor.hpp>  // descriptor
#include <weft/net/endpoint.hpp>   // endpoint
#include <weft/io/timeout.hpp>     // timeout_ns

namespace weft::inline v0::detail {

/// Which class a socket is of, for the words of its errors and waits.
enum class socket_kind : std::uint8_t {
  tcp_stream,
  tcp_listener,
  unix_stream,
  unix_listener,
  udp_socket,
  unix_datagram,
};

/// The base of the sockets in weft::net; not made by itself.
class WEFT_EXPORT socket_base {
 public:
  /// Longest time that one later operation (the whole of read_exactly, write_all, send_file, send_batch) may wait, from its first wait on.
  /// Zero or less: does not wait. clear_timeout() takes the limit away.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> timeout) noexcept {
    timeout_ns_ = detail::timeout_ns(timeout);
  }
  void clear_timeout() noexcept { timeout_ns_ = no_timeout_ns; }

  [[nodiscard]] net::endpoint local_endpoint() const;
  net::endpoint local_endpoint(std::error_code& error) const;

  /// Ends the operations that wait (operation_canceled) and all later ones. The number is closed by the last operation
  /// that leaves: here, unless one is inside. A repeated call does nothing. Never suspends.
  void close();
  void close(std::error_code& error) noexcept;
  [[nodiscard]] bool is_open() const noexcept { return socket_.native() >= 0; }

  /// The descriptor, still owned by this object, or -1. Must not be closed by other means.
  [[nodiscard]] int native_handle() const noexcept { return socket_.native(); }

 protected:
  explicit socket_base(socket_kind kind) noexcept : kind_(kind) {}
  socket_base(socket_kind kind, descriptor socket) noexcept : socket_(std::move(socket)), kind_(kind) {}
  socket_base(socket_base&&) noexcept = default;
  socket_base& operator=(socket_base&&) noexcept = default;
  ~socket_base() = default;

  descriptor_handle handle() const noexcept { return socket_.handle(); }
  std::int64_t current_timeout_ns() const noexcept { return timeout_ns_; }
  /// What it is called while it waits: "tcp read".
  const char* wait_name(bool writing) const noexcept;
  /// \throws std::system_error "tcp_stream::close: ..." when there is an error.
  void throw_if(const std::error_code& error, const char* member) const;

 private:
  descriptor socket_;
  std::int64_t timeout_ns_ = no_timeout_ns;
  socket_kind kind_;
};

}  // namespace weft::inline v0::detail
