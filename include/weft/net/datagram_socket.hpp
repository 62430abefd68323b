/// \file   weft/net/datagram_socket.hpp
/// \brief  What all datagram sockets have: whole messages, to and from anybody or one peer, as if it blocked.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>      // WEFT_EXPORT
#include <weft/net/endpoint.hpp>     // endpoint
#include <weft/net/socket_base.hpp>  // socket_base

namespace weft::inline v0 {
namespace net {

/// What is known of a datagram that was received.
struct received_datagram {
  std::size_t size = 0;    ///< bytes in the buffer; zero is a datagram without any, not an end
  bool truncated = false;  ///< it was longer than the buffer; the rest is lost
  endpoint from;           ///< none when the sender has no name, and from receive()
};

}  // namespace net
namespace detail {

/// The base of net::udp_socket and net::unix_datagram; not made by itself.
///
/// Threads:  any number of senders and receivers at a time, in fibers or plain threads, together with close(), endpoints
///           and the peer from anywhere. One datagram wakes one receiver (and that one, when it is done, lets the next
///           look). Moving, destroying and set_timeout() need the object for themselves.
/// Blocking: a waiting fiber parks, a waiting plain thread sleeps in poll(2).
/// Stop:     every operation that sends or receives is a cancellation point, also when it need not wait, and throws
///           weft::cancelled from both overloads.
/// Errors:   std::system_error, or the last argument. timed_out: the time given had passed; operation_canceled: closed
///           while the operation waited; bad_file_descriptor: closed before; message_size: longer than the protocol's
///           datagrams; destination_address_required or not_connected: there is no peer; ... as from the system. EINTR is
///           dealt with inside. SIGPIPE is never raised.
/// Cost:     one system call when it need not wait; no allocation.
class WEFT_EXPORT datagram_socket : public socket_base {
 public:
  /// One datagram, whole or not at all. A send waits for room in the socket's buffer; that it has been taken says nothing
  /// about its arrival. A `to` that is no address means the peer.
  void send_to(std::span<const std::byte> data, const net::endpoint& to);
  void send_to(std::span<const std::byte> data, const net::endpoint& to, std::error_code& error);
  /// To the peer.
  void send(std::span<const std::byte> data);
  void send(std::span<const std::byte> data, std::error_code& error);

  /// The next datagram, as much of it as there is room for.
  net::received_datagram receive_from(std::span<std::byte> into);
  net::received_datagram receive_from(std::span<std::byte> into, std::error_code& error);
  /// As receive_from(), without the sender: for who has a peer.
  net::received_datagram receive(std::span<std::byte> into);
  net::received_datagram receive(std::span<std::byte> into, std::error_code& error);

  /// From now on send() goes there, and only datagrams from there are received (what has already arrived from others stays).
  /// A peer that is known to refuse datagrams is an error of a later operation (connection_refused). Never suspends.
  void set_peer(const net::endpoint& peer);
  void set_peer(const net::endpoint& peer, std::error_code& error) noexcept;
  /// Takes the peer away: datagrams of everybody are received again. A port that the system chose may become another one.
  void clear_peer();
  void clear_peer(std::error_code& error) noexcept;
  /// The peer. \throws also errc::not_connected
  [[nodiscard]] net::endpoint remote_endpoint() const;
  net::endpoint remote_endpoint(std::error_code& error) const;

 protected:
  explicit datagram_socket(socket_kind kind) noexcept : socket_base(kind) {}
  datagram_socket(socket_kind kind, descriptor socket) noexcept : socket_base(kind, std::move(socket)) {}
  datagram_socket(datagram_socket&&) noexcept = default;
  datagram_socket& operator=(datagram_socket&&) noexcept = default;
  ~datagram_socket() = default;
};

}  // namespace detail
}  // namespace weft::inline v0
