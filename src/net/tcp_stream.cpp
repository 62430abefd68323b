// Connecting TCP streams.
#include <weft/net/tcp_stream.hpp>

#include <netinet/in.h>  // IPPROTO_TCP
#include <sys/socket.h>  // SO_PROTOCOL, SOCK_STREAM

#include "net/socket.hpp"
#include <weft/net/resolve.hpp>

namespace weft::inline v0::net {
namespace {

detail::descriptor connect_ip(const endpoint& to, detail::time_limit& limit, std::error_code& error) {
  if (!to.is_ip()) {
    error = std::make_error_code(std::errc::address_family_not_supported);
    return {};
  }
  return detail::connect_stream(to, limit, "tcp connect", error);
}

}  // namespace

tcp_stream tcp_stream::connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline,
                                     std::error_code& error) {
  detail::time_limit limit(deadline);
  return {connect_ip(to, limit, error), true};
}
tcp_stream tcp_stream::connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  tcp_stream made = connect_until(to, deadline, error);
  detail::throw_if(error, "connect to", to);
  return made;
}
tcp_stream tcp_stream::connect(const endpoint& to) { return connect_until(to, detail::no_deadline); }
tcp_stream tcp_stream::connect(const endpoint& to, std::error_code& error) {
  return connect_until(to, detail::no_deadline, error);
}

tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port, std::error_code& error) {
  const auto found = resolve(host, std::to_string(port), error);
  if (error) {
    return {};
  }
  for (const endpoint& to : found) {
    if (tcp_stream made = connect(to, error); !error) {
      return made;
    }
  }
  return {};
}
tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port) {
  std::error_code error;
  tcp_stream made = connect(host, port, error);
  if (error) {
    throw std::system_error(error, "connect to " + std::string(host) + ":" + std::to_string(port));
  }
  return made;
}

tcp_stream tcp_stream::from_native(int fd, std::error_code& error) {
  const detail::os::result protocol = detail::os::get_option(fd, SOL_SOCKET, SO_PROTOCOL);
  error = protocol.ok() ? std::error_code{} : detail::to_error_code(protocol.error);
  return error ? tcp_stream{}
               : tcp_stream(detail::take_over_socket(fd, SOCK_STREAM, detail::sharing::exclusive, error),
                            protocol.value == IPPROTO_TCP);
}
tcp_stream tcp_stream::from_native(int fd) {
  std::error_code error;
  tcp_stream made = from_native(fd, error);
  detail::throw_if(error, "tcp_stream::from_native");
  return made;
}

}  // namespace weft::inline v0::net
