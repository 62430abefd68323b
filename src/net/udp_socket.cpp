// UDP sockets: making them, and many datagrams by one system call.
#include <weft/net/udp_socket.hpp>

#include <algorithm>  // min

#include <netinet/in.h>  // sockaddr_in6

#include "net/datagram.hpp"

namespace weft::inline v0::net {
namespace {

// What one system call transfers at most: the structures for it are on the caller's stack, 3.4 KB of it.
constexpr std::size_t batch = 32;

bool refuse_all_but_ip(const endpoint& where, std::error_code& error) noexcept {
  error = where.is_ip() ? std::error_code{} : std::make_error_code(std::errc::address_family_not_supported);
  return static_cast<bool>(error);
}

detail::os::result receive_some(detail::descriptor_handle socket, std::span<incoming_datagram> into,
                                detail::time_limit& limit, const char* what) {
  mmsghdr messages[batch];
  iovec parts[batch];
  sockaddr_in6 names[batch];  // the longest of IP
  const std::size_t count = std::min(into.size(), batch);
  const detail::os::result r =
      detail::run_io(socket, detail::direction::read, limit, what, 0, detail::short_read::says_nothing, [&](int fd) {
        for (std::size_t i = 0; i < count; ++i) {
          parts[i] = detail::to_iovec(into[i].buffer);
          messages[i] = {};
          messages[i].msg_hdr.msg_name = &names[i];
          messages[i].msg_hdr.msg_namelen = sizeof names[i];
          messages[i].msg_hdr.msg_iov = &parts[i];
          messages[i].msg_hdr.msg_iovlen = 1;
        }
        return detail::os::receive_messages(fd, messages, count);
      });
  for (std::size_t i = 0; r.ok() && i < r.count(); ++i) {
    const msghdr& header = messages[i].msg_hdr;
    into[i].received = {messages[i].msg_len, (header.msg_flags & MSG_TRUNC) != 0, detail::sender_of(header)};
  }
  return r;
}

detail::os::result send_some(detail::descriptor_handle socket, std::span<const outgoing_datagram> from,
                             detail::time_limit& limit, const char* what) {
  mmsghdr messages[batch];
  iovec parts[batch];
  const std::size_t count = std::min(from.size(), batch);
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = detail::to_iovec(from[i].data);
    messages[i] = {};
    detail::set_name(messages[i].msg_hdr, from[i].to);
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  return detail::run_io(socket, detail::direction::write, limit, what, 0, detail::short_read::says_nothing,
                        [&](int fd) { return detail::os::send_messages(fd, messages, count); });
}

}  // namespace

udp_socket udp_socket::bind(const endpoint& at, const udp_options& options, std::error_code& error) {
  if (refuse_all_but_ip(at, error)) {
    return {};
  }
  return udp_socket(detail::bind_datagram(at, {options.reuse_address, options.reuse_port, options.ipv6_only}, error));
}
udp_socket udp_socket::bind(const endpoint& at, std::error_code& error) { return bind(at, {}, error); }
udp_socket udp_socket::bind(const endpoint& at, const udp_options& options) {
  std::error_code error;
  udp_socket made = bind(at, options, error);
  detail::throw_if(error, "bind to", at);
  return made;
}

udp_socket udp_socket::connect(const endpoint& peer, std::error_code& error) {
  return refuse_all_but_ip(peer, error) ? udp_socket{} : udp_socket(detail::connect_datagram(peer, error));
}
udp_socket udp_socket::connect(const endpoint& peer) {
  std::error_code error;
  udp_socket made = connect(peer, error);
  detail::throw_if(error, "connect to", peer);
  return made;
}

udp_socket udp_socket::from_native(int fd, std::error_code& error) {
  const detail::os::result domain = detail::os::get_option(fd, SOL_SOCKET, SO_DOMAIN);
  error = detail::to_error_code(domain.error);
  if (domain.ok() && domain.value != AF_INET && domain.value != AF_INET6) {
    error = std::make_error_code(std::errc::address_family_not_supported);
  }
  return error ? udp_socket{} : udp_socket(detail::take_over_socket(fd, SOCK_DGRAM, detail::sharing::everyone, error));
}
udp_socket udp_socket::from_native(int fd) {
  std::error_code error;
  udp_socket made = from_native(fd, error);
  detail::throw_if(error, "udp_socket::from_native");
  return made;
}

std::size_t udp_socket::receive_batch(std::span<incoming_datagram> into, std::error_code& error) {
  if (into.empty()) {
    return detail::transfer_nothing(handle(), error);
  }
  detail::time_limit limit(current_timeout_ns());
  const detail::os::result r = receive_some(handle(), into, limit, wait_name(false));
  error = detail::to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}
std::size_t udp_socket::receive_batch(std::span<incoming_datagram> into) {
  std::error_code error;
  const std::size_t n = receive_batch(into, error);
  throw_if(error, "receive_batch");
  return n;
}

std::size_t udp_socket::send_batch(std::span<const outgoing_datagram> datagrams, std::error_code& error) {
  if (datagrams.empty()) {
    return detail::transfer_nothing(handle(), error);
  }
  detail::time_limit limit(current_timeout_ns());
  error.clear();
  std::size_t done = 0;
  while (done < datagrams.size() && !error) {
    const detail::os::result r = send_some(handle(), datagrams.subspan(done), limit, wait_name(true));
    error = detail::to_error_code(r.error);
    done += r.ok() ? r.count() : 0;
  }
  return done;
}
std::size_t udp_socket::send_batch(std::span<const outgoing_datagram> datagrams) {
  std::error_code error;
  const std::size_t n = send_batch(datagrams, error);
  throw_if(error, "send_batch");
  return n;
}

}  // namespace weft::inline v0::net
