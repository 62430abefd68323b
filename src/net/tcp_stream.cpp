// TCP streams.
#include <weft/net/tcp_stream.hpp>

#include <netinet/in.h>   // IPPROTO_TCP
#include <netinet/tcp.h>  // TCP_NODELAY
#include <sys/socket.h>   // SO_TYPE, SO_PROTOCOL

#include "net/socket.hpp"
#include <weft/net/resolve.hpp>

namespace weft::inline v0::net {
namespace {

using detail::to_error_code;

static_assert(detail::no_timeout_ns == detail::time_limit::unlimited);

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
  const detail::os::result type = detail::os::get_option(fd, SOL_SOCKET, SO_TYPE);
  const detail::os::result protocol = detail::os::get_option(fd, SOL_SOCKET, SO_PROTOCOL);
  if (!type.ok() || type.value != SOCK_STREAM || !protocol.ok()) {
    error = !type.ok()       ? to_error_code(type.error)
            : !protocol.ok() ? to_error_code(protocol.error)
                             : std::make_error_code(std::errc::wrong_protocol_type);
    return {};
  }
  error = to_error_code(detail::os::set_nonblocking(fd).error);
  if (error) {
    return {};
  }
  return {detail::descriptor(detail::open_descriptor(fd)), protocol.value == IPPROTO_TCP};
}
tcp_stream tcp_stream::from_native(int fd) {
  std::error_code error;
  tcp_stream made = from_native(fd, error);
  detail::throw_if(error, "tcp_stream::from_native");
  return made;
}

std::size_t tcp_stream::read_some(std::span<std::byte> into, std::error_code& error) {
  detail::time_limit limit(timeout_ns_);
  return detail::read_stream(socket_.handle(), into, limit,
                             is_tcp_ ? detail::short_read::means_empty : detail::short_read::says_nothing, "tcp read",
                             error);
}
std::size_t tcp_stream::read_some(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_some(into, error);
  detail::throw_if(error, "tcp_stream::read_some");
  return n;
}

std::size_t tcp_stream::write_some(std::span<const std::byte> from, std::error_code& error) {
  detail::time_limit limit(timeout_ns_);
  return detail::write_stream(socket_.handle(), from, limit, "tcp write", error);
}
std::size_t tcp_stream::write_some(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_some(from, error);
  detail::throw_if(error, "tcp_stream::write_some");
  return n;
}

std::size_t tcp_stream::read_exactly(std::span<std::byte> into, std::error_code& error) {
  detail::time_limit limit(timeout_ns_);
  return detail::read_whole(socket_.handle(), into, limit, "tcp read", error);
}
void tcp_stream::read_exactly(std::span<std::byte> into) {
  std::error_code error;
  read_exactly(into, error);
  detail::throw_if(error, "tcp_stream::read_exactly");
}

std::size_t tcp_stream::write_all(std::span<const std::byte> from, std::error_code& error) {
  detail::time_limit limit(timeout_ns_);
  return detail::write_whole(socket_.handle(), from, limit, "tcp write", error);
}
void tcp_stream::write_all(std::span<const std::byte> from) {
  std::error_code error;
  write_all(from, error);
  detail::throw_if(error, "tcp_stream::write_all");
}

void tcp_stream::shutdown_write(std::error_code& error) noexcept {
  error = detail::shutdown_socket_write(socket_.handle());
}
void tcp_stream::shutdown_write() {
  std::error_code error;
  shutdown_write(error);
  detail::throw_if(error, "tcp_stream::shutdown_write");
}

void tcp_stream::close(std::error_code& error) noexcept { error = socket_.close(); }
void tcp_stream::close() { detail::throw_if(socket_.close(), "tcp_stream::close"); }

endpoint tcp_stream::local_endpoint(std::error_code& error) const {
  return detail::socket_name(socket_.handle(), detail::end::local, error);
}
endpoint tcp_stream::local_endpoint() const {
  std::error_code error;
  const endpoint name = local_endpoint(error);
  detail::throw_if(error, "tcp_stream::local_endpoint");
  return name;
}
endpoint tcp_stream::remote_endpoint(std::error_code& error) const {
  return detail::socket_name(socket_.handle(), detail::end::remote, error);
}
endpoint tcp_stream::remote_endpoint() const {
  std::error_code error;
  const endpoint name = remote_endpoint(error);
  detail::throw_if(error, "tcp_stream::remote_endpoint");
  return name;
}

void tcp_stream::set_no_delay(bool on, std::error_code& error) noexcept {
  error = detail::set_socket_option(socket_.handle(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}
void tcp_stream::set_no_delay(bool on) {
  std::error_code error;
  set_no_delay(on, error);
  detail::throw_if(error, "tcp_stream::set_no_delay");
}

}  // namespace weft::inline v0::net
