// What the datagram sockets share: making them, and one message, over descriptor operations.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code

#include <sys/socket.h>  // msghdr
#include <sys/uio.h>     // iovec

#include "net/socket.hpp"
#include <weft/net/datagram_socket.hpp>  // received_datagram
#include <weft/net/endpoint.hpp>         // endpoint

namespace weft::inline v0::detail {

// The system's structures have no const, though a send only reads.
inline iovec to_iovec(std::span<const std::byte> data) noexcept {
  return {const_cast<std::byte*>(data.data()), data.size()};
}
inline iovec to_iovec(std::span<std::byte> room) noexcept { return {room.data(), room.size()}; }
// No address: the message goes to the peer.
inline void set_name(msghdr& message, const net::endpoint& to) noexcept {
  message.msg_name = to.size() == 0 ? nullptr : const_cast<void*>(to.data());
  message.msg_namelen = to.size();
}

// Who sent a message; none of a sender without a name.
net::endpoint sender_of(const msghdr& message) noexcept;

// A datagram socket at an address, or with a peer.
descriptor bind_datagram(const net::endpoint& at, const binding& how, std::error_code& error);
descriptor connect_datagram(const net::endpoint& peer, std::error_code& error);

// One message. Cancellation point. `message` is what recvmsg(2) and sendmsg(2) take; after receiving it has its flags.
os::result receive_one(descriptor_handle socket, msghdr& message, time_limit& limit, const char* what);
os::result send_one(descriptor_handle socket, const msghdr& message, time_limit& limit, const char* what);

}  // namespace weft::inline v0::detail
