// Connected stream sockets of all families.
#include <weft/net/stream_socket.hpp>

#include "net/socket.hpp"

namespace weft::inline v0::detail {

std::size_t stream_socket::read_some(std::span<std::byte> into, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  const short_read rule = short_is_last_ ? short_read::means_empty : short_read::says_nothing;
  return read_stream(handle(), into, limit, rule, wait_name(false), error);
}
std::size_t stream_socket::read_some(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_some(into, error);
  throw_if(error, "read_some");
  return n;
}

std::size_t stream_socket::write_some(std::span<const std::byte> from, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  return write_stream(handle(), from, limit, wait_name(true), error);
}
std::size_t stream_socket::write_some(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_some(from, error);
  throw_if(error, "write_some");
  return n;
}

std::size_t stream_socket::read_exactly(std::span<std::byte> into, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  return read_whole(handle(), into, limit, wait_name(false), error);
}
void stream_socket::read_exactly(std::span<std::byte> into) {
  std::error_code error;
  read_exactly(into, error);
  throw_if(error, "read_exactly");
}

std::size_t stream_socket::write_all(std::span<const std::byte> from, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  return write_whole(handle(), from, limit, wait_name(true), error);
}
void stream_socket::write_all(std::span<const std::byte> from) {
  std::error_code error;
  write_all(from, error);
  throw_if(error, "write_all");
}

void stream_socket::shutdown_read(std::error_code& error) noexcept { error = shutdown_socket_read(handle()); }
void stream_socket::shutdown_read() {
  std::error_code error;
  shutdown_read(error);
  throw_if(error, "shutdown_read");
}

void stream_socket::shutdown_write(std::error_code& error) noexcept { error = shutdown_socket_write(handle()); }
void stream_socket::shutdown_write() {
  std::error_code error;
  shutdown_write(error);
  throw_if(error, "shutdown_write");
}

net::endpoint stream_socket::remote_endpoint(std::error_code& error) const {
  return socket_name(handle(), end::remote, error);
}
net::endpoint stream_socket::remote_endpoint() const {
  std::error_code error;
  const net::endpoint name = remote_endpoint(error);
  throw_if(error, "remote_endpoint");
  return name;
}

}  // namespace weft::inline v0::detail
