// What all sockets have, and what they are called.
#include <weft/net/socket_base.hpp>

#include <iterator>  // size
#include <string>    // string

#include "net/socket.hpp"

namespace weft::inline v0::detail {
namespace {

static_assert(no_timeout_ns == time_limit::unlimited);

struct kind_names {
  const char* type;
  const char* reading;
  const char* writing;
};

constexpr kind_names names[] = {
    {"tcp_stream", "tcp read", "tcp write"},    {"tcp_listener", "tcp accept", nullptr},
    {"unix_stream", "unix read", "unix write"}, {"unix_listener", "unix accept", nullptr},
    {"udp_socket", "udp receive", "udp send"},  {"unix_datagram", "unix datagram receive", "unix datagram send"},
};
static_assert(static_cast<unsigned>(socket_kind::unix_datagram) + 1 == std::size(names));

const kind_names& names_of(socket_kind kind) noexcept { return names[static_cast<unsigned>(kind)]; }

}  // namespace

const char* socket_base::wait_name(bool writing) const noexcept {
  return writing ? names_of(kind_).writing : names_of(kind_).reading;
}

void socket_base::throw_if(const std::error_code& error, const char* member) const {
  if (error) {
    throw std::system_error(error, std::string(names_of(kind_).type) + "::" + member);
  }
}

net::endpoint socket_base::local_endpoint(std::error_code& error) const {
  return socket_name(handle(), end::local, error);
}
net::endpoint socket_base::local_endpoint() const {
  std::error_code error;
  const net::endpoint name = local_endpoint(error);
  throw_if(error, "local_endpoint");
  return name;
}

void socket_base::close(std::error_code& error) noexcept { error = socket_.close(); }
void socket_base::close() { throw_if(socket_.close(), "close"); }

}  // namespace weft::inline v0::detail
