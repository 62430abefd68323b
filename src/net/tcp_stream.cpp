// Connecting TCP streams.
#include <weft/net/tcp_stream.hpp>

#include <string>  // to_string
#include <vector>  // vector

#include <netinet/in.h>  // IPPROTO_TCP
#include <sys/socket.h>  // SO_PROTOCOL, SOCK_STREAM

#include "net/eyeballs.hpp"
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

detail::descriptor connect_name(std::string_view host, std::uint16_t port, detail::time_point deadline,
                                std::vector<detail::failed_attempt>& failures, std::error_code& error) {
  const std::vector<endpoint> found = detail::interleave_families(resolve(host, std::to_string(port), error));
  if (error) {
    return {};
  }
  detail::time_limit limit(deadline);
  return detail::connect_to_any(found, detail::connection_attempt_delay, limit, "tcp connect", failures, error);
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

tcp_stream tcp_stream::connect_until(std::string_view host, std::uint16_t port,
                                     std::chrono::steady_clock::time_point deadline, std::error_code& error) {
  std::vector<detail::failed_attempt> failures;
  return {connect_name(host, port, deadline, failures, error), true};
}
tcp_stream tcp_stream::connect_until(std::string_view host, std::uint16_t port,
                                     std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  std::vector<detail::failed_attempt> failures;
  tcp_stream made{connect_name(host, port, deadline, failures, error), true};
  if (error) {
    throw std::system_error(
        error, "connect to " + std::string(host) + ":" + std::to_string(port) + detail::list_failures(failures));
  }
  return made;
}
tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port) {
  return connect_until(host, port, detail::no_deadline);
}
tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port, std::error_code& error) {
  return connect_until(host, port, detail::no_deadline, error);
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
