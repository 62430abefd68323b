// TCP listeners.
#include <weft/net/tcp_listener.hpp>

#include <sys/socket.h>  // SO_REUSEADDR, SO_REUSEPORT

#include "net/socket.hpp"

namespace weft::inline v0::net {
namespace {

namespace os = detail::os;

// Errors of a connection that died in the backlog, which Linux reports through accept: the next one may be good.
bool is_of_dead_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

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
  detail::time_limit limit(timeout_ns_);
  const os::result r = detail::run_io(socket_.handle(), detail::direction::read, limit, "tcp accept", 0,
                                      detail::short_read::says_nothing, [](int fd) {
                                        os::result got = os::accept(fd);
                                        while (is_of_dead_connection(got.error)) {
                                          got = os::accept(fd);
                                        }
                                        return got;
                                      });
  error = detail::to_error_code(r.error);
  return error ? tcp_stream{} : tcp_stream(detail::raw_descriptor(r.fd()).adopt(), true);
}
tcp_stream tcp_listener::accept() {
  std::error_code error;
  tcp_stream made = accept(error);
  detail::throw_if(error, "tcp_listener::accept");
  return made;
}

endpoint tcp_listener::local_endpoint(std::error_code& error) const {
  return detail::socket_name(socket_.handle(), detail::end::local, error);
}
endpoint tcp_listener::local_endpoint() const {
  std::error_code error;
  const endpoint name = local_endpoint(error);
  detail::throw_if(error, "tcp_listener::local_endpoint");
  return name;
}

void tcp_listener::close(std::error_code& error) noexcept { error = socket_.close(); }
void tcp_listener::close() { detail::throw_if(socket_.close(), "tcp_listener::close"); }

}  // namespace weft::inline v0::net
