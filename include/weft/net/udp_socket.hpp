/// \file   weft/net/udp_socket.hpp
/// \brief  A UDP socket, one datagram or many at a time.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>          // WEFT_EXPORT
#include <weft/io/descriptor.hpp>        // descriptor
#include <weft/net/datagram_socket.hpp>  // datagram_socket, received_datagram
#include <weft/net/endpoint.hpp>         // endpoint

namespace weft::inline v0::net {

struct udp_options {
  bool reuse_address = false;  ///< several sockets on one address (for multicast); the last one gets what is sent to it
  bool reuse_port = false;     ///< several sockets on one address; the system spreads senders over them
  bool ipv6_only = false;      ///< an IPv6 address takes no IPv4 datagrams; else [::] takes both
};

/// A place for a datagram, and what came.
struct incoming_datagram {
  std::span<std::byte> buffer;   ///< of the caller's
  received_datagram received{};  ///< written by receive_batch()
};

/// A datagram and where it goes.
struct outgoing_datagram {
  std::span<const std::byte> data;
  endpoint to{};  ///< none: to the peer
};

/// Move-only; the destructor closes. Sending, receiving, the peer, and what holds for threads, blocking, stop and errors:
/// weft/net/datagram_socket.hpp; close(), set_timeout() and the like: weft/net/socket_base.hpp.
class WEFT_EXPORT udp_socket : public detail::datagram_socket {
 public:
  /// No socket: every operation says bad_file_descriptor.
  udp_socket() noexcept : datagram_socket(detail::socket_kind::udp_socket) {}
  udp_socket(udp_socket&&) noexcept = default;
  udp_socket& operator=(udp_socket&&) noexcept = default;

  /// At an address; port 0 lets the system choose, see local_endpoint(). Never suspends.
  /// \throws also errc::address_family_not_supported (not an IP endpoint), address_in_use, address_not_available, ...
  static udp_socket bind(const endpoint& at, const udp_options& options = {});
  static udp_socket bind(const endpoint& at, std::error_code& error);
  static udp_socket bind(const endpoint& at, const udp_options& options, std::error_code& error);
  /// At an address of the system's choice, with a peer: see set_peer(). Never suspends: nothing is sent.
  /// \throws also errc::address_family_not_supported (not an IP endpoint), network_unreachable, ...
  static udp_socket connect(const endpoint& peer);
  static udp_socket connect(const endpoint& peer, std::error_code& error);

  /// Takes over a datagram socket over IP and makes it non-blocking. On failure (errc::not_a_socket, wrong_protocol_type
  /// when it is none of datagrams, address_family_not_supported) the number stays the caller's.
  static udp_socket from_native(int fd);
  static udp_socket from_native(int fd, std::error_code& error);

  /// Waits for at least one datagram and takes those that have arrived, up to the size of the span and 32 in one call, by
  /// one system call. \return how many of the first places were filled
  std::size_t receive_batch(std::span<incoming_datagram> into);
  std::size_t receive_batch(std::span<incoming_datagram> into, std::error_code& error);
  /// Sends all, in order, by one system call for every 32; other senders' datagrams may come in between. The first that
  /// fails ends it. \return how many were sent, also when it failed
  std::size_t send_batch(std::span<const outgoing_datagram> datagrams);
  std::size_t send_batch(std::span<const outgoing_datagram> datagrams, std::error_code& error);

 private:
  explicit udp_socket(detail::descriptor socket) noexcept
      : datagram_socket(detail::socket_kind::udp_socket, std::move(socket)) {}
};

}  // namespace weft::inline v0::net
