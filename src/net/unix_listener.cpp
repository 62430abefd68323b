// Unix stream listeners.
#include <weft/net/unix_listener.hpp>

#include "net/socket.hpp"

namespace weft::inline v0::net {

unix_listener unix_listener::bind(const endpoint& at, const unix_listen_options& options, std::error_code& error) {
  if (!at.is_unix()) {
    error = std::make_error_code(std::errc::address_family_not_supported);
    return {};
  }
  return unix_listener(detail::listen_stream(at, {.backlog = options.backlog}, error));
}
unix_listener unix_listener::bind(const endpoint& at, std::error_code& error) { return bind(at, {}, error); }
unix_listener unix_listener::bind(const endpoint& at, const unix_listen_options& options) {
  std::error_code error;
  unix_listener made = bind(at, options, error);
  detail::throw_if(error, "listen at", at);
  return made;
}

unix_stream unix_listener::accept(std::error_code& error) {
  detail::time_limit limit(current_timeout_ns());
  return unix_stream(detail::accept_stream(handle(), limit, wait_name(false), error));
}
unix_stream unix_listener::accept() {
  std::error_code error;
  unix_stream made = accept(error);
  throw_if(error, "accept");
  return made;
}

}  // namespace weft::inline v0::net
