// TCP listeners.
#include <weft/net/tcp_listener.hpp>

#include "net/socket.hpp"

namespace weft::inline v0::net {
tcp_listener tcp_listener::bind(const endpoint& at, const listen_options& options, std::error_code& error) {
  if (!at.is_ip()) {
    error = std::make_error_code(std::errc::address_family_not_supported);
    return {};
  }
  const detail::listening how{options.backlog, {options.reuse_address, options.reuse_port, options.ipv6_only}};
  return tcp_listener(detail::listen_stream(at, how, error));
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
