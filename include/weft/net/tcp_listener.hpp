/// \file   weft/net/tcp_listener.hpp
/// \brief  A listening TCP socket.
#pragma once
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>      // WEFT_EXPORT
#include <weft/io/descriptor.hpp>    // descriptor
#include <weft/net/endpoint.hpp>     // endpoint
#include <weft/net/socket_base.hpp>  // socket_base
#include <weft/net/tcp_stream.hpp>   // tcp_stream

namespace weft::inline v0::net {

struct listen_options {
  int backlog = 4096;         ///< connections waiting to be accepted; the system may cut it (net.core.somaxconn)
  bool reuse_address = true;  ///< bind although old connections of the port linger
  bool reuse_port = false;    ///< several listeners on one port; the system spreads connections over them
  bool ipv6_only = false;     ///< an IPv6 address takes no IPv4 connections; else [::] takes both
};

/// Move-only; the destructor closes. Blocking, stop and errors as for tcp_stream; set_timeout() bounds one accept().
/// Threads: any number of fibers and threads may accept at the same time; one connection wakes one of them (and that one,
///          when it has accepted, lets the next look). Moving, destroying and set_timeout() need the object for themselves.
class WEFT_EXPORT tcp_listener : public detail::socket_base {
 public:
  tcp_listener() noexcept : socket_base(detail::socket_kind::tcp_listener) {}  ///< no socket
  tcp_listener(tcp_listener&&) noexcept = default;
  tcp_listener& operator=(tcp_listener&&) noexcept = default;

  /// Binds and listens; port 0 lets the system choose, see local_endpoint(). Never suspends.
  static tcp_listener bind(const endpoint& at, const listen_options& options = {});
  static tcp_listener bind(const endpoint& at, std::error_code& error);
  static tcp_listener bind(const endpoint& at, const listen_options& options, std::error_code& error);

  /// The next connection. Connections that failed while they waited are skipped. A full descriptor table
  /// (too_many_files_open) is reported; the connection stays in the backlog, so a caller that tries again should first wait
  /// for descriptors to be closed.
  tcp_stream accept();
  tcp_stream accept(std::error_code& error);

 private:
  explicit tcp_listener(detail::descriptor socket) noexcept
      : socket_base(detail::socket_kind::tcp_listener, std::move(socket)) {}
};

}  // namespace weft::inline v0::net
