// Connecting Unix stream sockets.
#include <weft/net/unix_stream.hpp>

#include <sys/socket.h>  // SO_DOMAIN, AF_UNIX, SOCK_STREAM

#include "net/descriptor_passing.hpp"
#include "net/socket.hpp"

namespace weft::inline v0::net {

unix_stream unix_stream::connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline,
                                       std::error_code& error) {
  if (!to.is_unix()) {
    error = std::make_error_code(std::errc::address_family_not_supported);
    return {};
  }
  detail::time_limit limit(deadline);
  return unix_stream(detail::connect_stream(to, limit, "unix connect", error));
}
unix_stream unix_stream::connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  unix_stream made = connect_until(to, deadline, error);
  detail::throw_if(error, "connect to", to);
  return made;
}
unix_stream unix_stream::connect(const endpoint& to) { return connect_until(to, detail::no_deadline); }
unix_stream unix_stream::connect(const endpoint& to, std::error_code& error) {
  return connect_until(to, detail::no_deadline, error);
}

std::size_t unix_stream::send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data,
                                          std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  return detail::send_descriptors_in_stream(handle(), descriptors, data, limit, wait_name(true), error);
}
void unix_stream::send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data) {
  std::error_code error;
  send_descriptors(descriptors, data, error);
  throw_if(error, "send_descriptors");
}

received_descriptors unix_stream::receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners,
                                                      std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  return detail::receive_descriptors(handle(), into, owners, limit, wait_name(false), error);
}
received_descriptors unix_stream::receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners) {
  std::error_code error;
  const received_descriptors got = receive_descriptors(into, owners, error);
  throw_if(error, "receive_descriptors");
  return got;
}

unix_stream unix_stream::from_native(int fd, std::error_code& error) {
  const detail::os::result domain = detail::os::get_option(fd, SOL_SOCKET, SO_DOMAIN);
  error = detail::to_error_code(domain.error);
  if (domain.ok() && domain.value != AF_UNIX) {
    error = std::make_error_code(std::errc::address_family_not_supported);
  }
  return error ? unix_stream{}
               : unix_stream(detail::take_over_socket(fd, SOCK_STREAM, detail::sharing::exclusive, error));
}
unix_stream unix_stream::from_native(int fd) {
  std::error_code error;
  unix_stream made = from_native(fd, error);
  detail::throw_if(error, "unix_stream::from_native");
  return made;
}

}  // namespace weft::inline v0::net
