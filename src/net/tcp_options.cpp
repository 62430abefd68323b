// Options of TCP streams.
#include <weft/net/tcp_stream.hpp>

#include <algorithm>  // clamp
#include <limits>     // numeric_limits

#include <netinet/in.h>   // IPPROTO_TCP
#include <netinet/tcp.h>  // TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
#include <sys/socket.h>   // SO_KEEPALIVE

#include "net/socket.hpp"

namespace weft::inline v0::net {
namespace {

// Out of range stays out of range: the system refuses it.
int to_int(std::chrono::seconds time) noexcept {
  constexpr std::chrono::seconds::rep most = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<std::chrono::seconds::rep>(time.count(), -1, most));
}

}  // namespace

void tcp_stream::set_no_delay(bool on, std::error_code& error) noexcept {
  error = detail::set_socket_option(handle(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}
void tcp_stream::set_no_delay(bool on) {
  std::error_code error;
  set_no_delay(on, error);
  throw_if(error, "set_no_delay");
}

void tcp_stream::set_keep_alive(const keep_alive_options& options, std::error_code& error) noexcept {
  // The times first: asking begins with those that hold then.
  const struct {
    int level, name, value;
  } steps[] = {{IPPROTO_TCP, TCP_KEEPIDLE, to_int(options.idle)},
               {IPPROTO_TCP, TCP_KEEPINTVL, to_int(options.interval)},
               {IPPROTO_TCP, TCP_KEEPCNT, options.count},
               {SOL_SOCKET, SO_KEEPALIVE, 1}};
  error.clear();
  for (const auto& step : steps) {
    if (!error) {
      error = detail::set_socket_option(handle(), step.level, step.name, step.value);
    }
  }
}
void tcp_stream::set_keep_alive(const keep_alive_options& options) {
  std::error_code error;
  set_keep_alive(options, error);
  throw_if(error, "set_keep_alive");
}
void tcp_stream::clear_keep_alive(std::error_code& error) noexcept {
  error = detail::set_socket_option(handle(), SOL_SOCKET, SO_KEEPALIVE, 0);
}
void tcp_stream::clear_keep_alive() {
  std::error_code error;
  clear_keep_alive(error);
  throw_if(error, "clear_keep_alive");
}

void tcp_stream::set_linger(std::chrono::seconds time, std::error_code& error) noexcept {
  if (time < std::chrono::seconds::zero()) {  // the system would take it for a very long one
    error = std::make_error_code(std::errc::invalid_argument);
    return;
  }
  error = detail::set_socket_linger(handle(), true, to_int(time));
}
void tcp_stream::set_linger(std::chrono::seconds time) {
  std::error_code error;
  set_linger(time, error);
  throw_if(error, "set_linger");
}
void tcp_stream::clear_linger(std::error_code& error) noexcept {
  error = detail::set_socket_linger(handle(), false, 0);
}
void tcp_stream::clear_linger() {
  std::error_code error;
  clear_linger(error);
  throw_if(error, "clear_linger");
}

}  // namespace weft::inline v0::net
