// TCP listeners.
#include <weft/net/tcp_listener.hpp>

#include <sys/socket.h>  // SO_REUSEADDR, SO_REUSEPORT

#include "net/socket.hpp"

namespace weft::inline v0::net {
namespace {

namespace os = detail::os;

int prepare(int fd, const endpoint& at, const listen_options& options) noexcept {
  os::result r;
  if (options.reuse_address) {
    r = os::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }
  if (r.ok() && options.reuse_port) {
    r = os::set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (r.ok()) {
    r = os::bind(fd, at.data(), at.size());
  }
  if (r.ok()) {
    r = os::listen(fd, options.backlog);
  }
  return r.error;
}

}  // namespace

tcp_listener tcp_listener::bind(const endpoint& at, const listen_options& options, std::error_code& error) {
  if (!at.is_ip()) {
    error = std::make_error_code(std::errc::address_family_not_supported);
    return {};
  }
  const os::result made = os::socket(at.family(), SOCK_STREAM);
  error = detail::to_error_code(made.error);
  if (error) {
    return {};
  }
  detail::raw_descriptor raw(made.fd());
  error = detail::to_error_code(prepare(raw.get(), at, options));
  return error ? tcp_listener{} : tcp_listener(raw.adopt(detail::sharing::shared));
}
tcp_listener tcp_listener::bind(const endpoint& at, std::error_code& error) { return bind(at, {}, error); }
tcp_listener tcp_listener::bind(const endpoint& at, const listen_options& options) {
  std::error_code error;
  tcp_listener made = bind(at, options, error);
  detail::throw_if(error, "listen at", at);
  return made;
}

tcp_stream tcp_listener::accept(std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  return {detail::accept_stream(handle(), limit, wait_name(false), error), true};
}
tcp_stream tcp_listener::accept() {
  std::error_code error;
  tcp_stream made = accept(error);
  throw_if(error, "accept");
  return made;
}

}  // namespace weft::inline v0::net
