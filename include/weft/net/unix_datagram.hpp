/// \file   weft/net/unix_datagram.hpp
/// \brief  A Unix datagram socket. Its datagrams arrive all, in order and whole, and may carry descriptors.
#pragma once
#include <cstddef>       // byte
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>           // WEFT_EXPORT
#include <weft/io/descriptor.hpp>         // descriptor
#include <weft/net/datagram_socket.hpp>   // datagram_socket
#include <weft/net/endpoint.hpp>          // endpoint
#include <weft/net/owned_descriptor.hpp>  // owned_descriptor, received_descriptors

namespace weft::inline v0::net {

/// Move-only; the destructor closes. Sending, receiving, the peer, and what holds for threads, blocking, stop and errors:
/// weft/net/datagram_socket.hpp; close(), set_timeout() and the like: weft/net/socket_base.hpp.
///
/// A receiver's queue is short (net.unix.max_dgram_qlen, often 10 or 512), and a send waits while it is full: for a peer
/// until it is told of room; with send_to() the system does not tell, so it asks again after 1 ms, then ever longer, up to
/// 32 ms (and a plain thread notices a close() as late).
class WEFT_EXPORT unix_datagram : public detail::datagram_socket {
 public:
  /// No socket: every operation says bad_file_descriptor.
  unix_datagram() noexcept : datagram_socket(detail::socket_kind::unix_datagram) {}
  unix_datagram(unix_datagram&&) noexcept = default;
  unix_datagram& operator=(unix_datagram&&) noexcept = default;

  /// At a name. Makes the file of a path, with the process's umask, which nobody removes: see unix_listener::bind().
  /// Never suspends. \throws also errc::address_family_not_supported (not a Unix name), address_in_use, ...
  static unix_datagram bind(const endpoint& at);
  static unix_datagram bind(const endpoint& at, std::error_code& error);
  /// Without a name: it sends, and nobody can answer. \throws also errc::too_many_files_open, ...
  static unix_datagram unnamed();
  static unix_datagram unnamed(std::error_code& error);
  /// Without a name, with a peer. Never suspends.
  /// \throws also errc::address_family_not_supported, connection_refused (nobody is there), no_such_file_or_directory, ...
  static unix_datagram connect(const endpoint& peer);
  static unix_datagram connect(const endpoint& peer, std::error_code& error);

  /// Takes over a Unix datagram socket, as of socketpair(2), and makes it non-blocking. On failure (errc::not_a_socket,
  /// address_family_not_supported, wrong_protocol_type when it is none of datagrams) the number stays the caller's.
  static unix_datagram from_native(int fd);
  static unix_datagram from_native(int fd, std::error_code& error);

  /// As send() and send_to(), with duplicates of the descriptors, 253 at most; the caller's stay open and its own.
  /// invalid_argument: more than that; bad_file_descriptor also when one of them is not open.
  void send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data);
  void send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data, std::error_code& error);
  void send_descriptors_to(std::span<const int> descriptors, std::span<const std::byte> data, const endpoint& to);
  void send_descriptors_to(std::span<const int> descriptors, std::span<const std::byte> data, const endpoint& to,
                           std::error_code& error);
  /// As receive(), and takes the descriptors that came with it, close-on-exec; those without an owner to take them are
  /// closed, and so are all that come with a datagram taken by receive() and receive_from().
  received_descriptors receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners);
  received_descriptors receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners,
                                           std::error_code& error);

 private:
  explicit unix_datagram(detail::descriptor socket) noexcept
      : datagram_socket(detail::socket_kind::unix_datagram, std::move(socket)) {}
};

}  // namespace weft::inline v0::net
