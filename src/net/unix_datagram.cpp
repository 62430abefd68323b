// Unix datagram sockets.
#include <weft/net/unix_datagram.hpp>

#include "net/datagram.hpp"
#include "net/descriptor_passing.hpp"

namespace weft::inline v0::net {
namespace {

bool refuse_all_but_unix(const endpoint& where, std::error_code& error) noexcept {
  error = where.is_unix() ? std::error_code{} : std::make_error_code(std::errc::address_family_not_supported);
  return static_cast<bool>(error);
}

}  // namespace

unix_datagram unix_datagram::bind(const endpoint& at, std::error_code& error) {
  return refuse_all_but_unix(at, error) ? unix_datagram{} : unix_datagram(detail::bind_datagram(at, {}, error));
}
unix_datagram unix_datagram::bind(const endpoint& at) {
  std::error_code error;
  unix_datagram made = bind(at, error);
  detail::throw_if(error, "bind to", at);
  return made;
}

unix_datagram unix_datagram::unnamed(std::error_code& error) {
  const detail::os::result made = detail::os::socket(AF_UNIX, SOCK_DGRAM);
  error = detail::to_error_code(made.error);
  return error ? unix_datagram{} : unix_datagram(detail::raw_descriptor(made.fd()).adopt(detail::sharing::everyone));
}
unix_datagram unix_datagram::unnamed() {
  std::error_code error;
  unix_datagram made = unnamed(error);
  detail::throw_if(error, "unix_datagram::unnamed");
  return made;
}

unix_datagram unix_datagram::connect(const endpoint& peer, std::error_code& error) {
  return refuse_all_but_unix(peer, error) ? unix_datagram{} : unix_datagram(detail::connect_datagram(peer, error));
}
unix_datagram unix_datagram::connect(const endpoint& peer) {
  std::error_code error;
  unix_datagram made = connect(peer, error);
  detail::throw_if(error, "connect to", peer);
  return made;
}

unix_datagram unix_datagram::from_native(int fd, std::error_code& error) {
  const detail::os::result domain = detail::os::get_option(fd, SOL_SOCKET, SO_DOMAIN);
  error = detail::to_error_code(domain.error);
  if (domain.ok() && domain.value != AF_UNIX) {
    error = std::make_error_code(std::errc::address_family_not_supported);
  }
  return error ? unix_datagram{}
               : unix_datagram(detail::take_over_socket(fd, SOCK_DGRAM, detail::sharing::everyone, error));
}
unix_datagram unix_datagram::from_native(int fd) {
  std::error_code error;
  unix_datagram made = from_native(fd, error);
  detail::throw_if(error, "unix_datagram::from_native");
  return made;
}

void unix_datagram::send_descriptors_to(std::span<const int> descriptors, std::span<const std::byte> data,
                                        const endpoint& to, std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  detail::send_descriptors_in_datagram(handle(), descriptors, data, to, limit, wait_name(true), error);
}
void unix_datagram::send_descriptors_to(std::span<const int> descriptors, std::span<const std::byte> data,
                                        const endpoint& to) {
  std::error_code error;
  send_descriptors_to(descriptors, data, to, error);
  throw_if(error, "send_descriptors_to");
}

void unix_datagram::send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data,
                                     std::error_code& error) {
  send_descriptors_to(descriptors, data, {}, error);
}
void unix_datagram::send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data) {
  std::error_code error;
  send_descriptors(descriptors, data, error);
  throw_if(error, "send_descriptors");
}

received_descriptors unix_datagram::receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners,
                                                        std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  return detail::receive_descriptors(handle(), into, owners, limit, wait_name(false), error);
}
received_descriptors unix_datagram::receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners) {
  std::error_code error;
  const received_descriptors got = receive_descriptors(into, owners, error);
  throw_if(error, "receive_descriptors");
  return got;
}

}  // namespace weft::inline v0::net
