// Sockets over descriptor operations: making, connecting, accepting, naming.
#include "net/socket.hpp"

#include <algorithm>  // min
#include <chrono>     // milliseconds

#include <netinet/in.h>  // IPPROTO_IPV6, IPV6_V6ONLY
#include <sys/socket.h>  // SO_ERROR, SO_TYPE, SO_REUSEADDR, SO_REUSEPORT
#include <sys/un.h>      // sockaddr_un

#include <weft/sched/this_fiber.hpp>  // check_stop, sleep_until

namespace weft::inline v0::detail {
namespace {

// The backlog of a Unix listener may be full, which is told by EAGAIN. No event tells when there is room, so it is asked
// again, ever more rarely. Such an attempt is made or not: it never goes on by itself.
int connect_unix(int fd, const net::endpoint& to, time_limit& limit) {
  constexpr std::chrono::milliseconds longest_pause{32};
  for (std::chrono::milliseconds pause{1};; pause = std::min(2 * pause, longest_pause)) {
    const int state = os::connect(fd, to.data(), to.size()).error;
    if (state != EAGAIN && state != EINTR) {
      return state;
    }
    const time_point deadline = limit.deadline();
    const time_point start = now();
    if (deadline <= start) {
      return ETIMEDOUT;
    }
    sleep_until(std::min(deadline, start + pause));
  }
}

int connect_and_wait(descriptor_handle socket, const net::endpoint& to, time_limit& limit, const char* what) {
  descriptor_operation op(socket, direction::write);
  if (to.is_unix()) {
    return connect_unix(op.fd(), to, limit);
  }
  int state = os::connect(op.fd(), to.data(), to.size()).error;
  if (state == EINTR) {
    state = EINPROGRESS;  // the attempt goes on without us, as POSIX says
  }
  if (state == EINPROGRESS) {
    op.exhausted();
  }
  for (bool last = false; state == EINPROGRESS && !last;) {
    const int error = op.wait(limit, what);
    last = error == ETIMEDOUT;
    if (error != 0 && !last) {
      return error;
    }
    state = connection_state(op.fd());
  }
  return state == EINPROGRESS ? ETIMEDOUT : state;
}

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

struct accept_call {
  os::result operator()(int fd) const noexcept { return os::accept(fd); }
  static constexpr ring_call in_ring = ring_call::accept;
  ring_entry entry(int fd) const noexcept { return {.call = in_ring, .fd = fd}; }
};

}  // namespace

int connection_state(int fd) noexcept {
  const os::result state = os::get_option(fd, SOL_SOCKET, SO_ERROR);
  if (!state.ok() || state.value != 0) {
    return state.ok() ? static_cast<int>(state.value) : state.error;
  }
  // No error is also what an attempt still under way says; only a connected socket has a peer.
  unsigned char peer[net::endpoint::capacity];
  unsigned size = sizeof peer;
  const os::result named = os::peer_name(fd, peer, size);
  return named.error == ENOTCONN ? EINPROGRESS : named.error;
}

net::endpoint socket_name(descriptor_handle socket, end which, std::error_code& error) noexcept {
  unsigned char name[net::endpoint::capacity];
  unsigned size = sizeof name;
  const descriptor_hold hold(socket);
  const os::result r =
      which == end::local ? os::local_name(hold.fd(), name, size) : os::peer_name(hold.fd(), name, size);
  if (!r.ok()) {
    error = to_error_code(r.error);
    return {};
  }
  // Of a Unix path that fills its array the system counts a terminator that is not in the structure.
  return net::endpoint::from_sockaddr(name, std::min<std::size_t>(size, sizeof(sockaddr_un)), error);
}

int bind_socket(int fd, const net::endpoint& at, const binding& how) noexcept {
  os::result r;
  if (how.reuse_address) {
    r = os::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }
  if (r.ok() && how.reuse_port) {
    r = os::set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (r.ok() && at.family() == AF_INET6) {  // said in both cases: the default is the machine's
    r = os::set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, how.ipv6_only ? 1 : 0);
  }
  if (r.ok()) {
    r = os::bind(fd, at.data(), at.size());
  }
  return r.error;
}

std::error_code set_socket_option(descriptor_handle socket, int level, int name, int value) noexcept {
  const descriptor_hold hold(socket);
  return to_error_code(os::set_option(hold.fd(), level, name, value).error);
}

std::error_code set_socket_linger(descriptor_handle socket, bool on, int seconds) noexcept {
  const descriptor_hold hold(socket);
  return to_error_code(os::set_linger(hold.fd(), on, seconds).error);
}

std::error_code shutdown_socket_read(descriptor_handle socket) noexcept {
  const descriptor_hold hold(socket);
  return to_error_code(os::shutdown_read(hold.fd()).error);
}

std::error_code shutdown_socket_write(descriptor_handle socket) noexcept {
  const descriptor_hold hold(socket);
  return to_error_code(os::shutdown_write(hold.fd()).error);
}

descriptor connect_stream(const net::endpoint& to, time_limit& limit, const char* what, std::error_code& error) {
  this_fiber::check_stop();
  const os::result made = os::socket(to.family(), SOCK_STREAM);
  if (!made.ok()) {
    error = to_error_code(made.error);
    return {};
  }
  descriptor socket = raw_descriptor(made.fd()).adopt();
  error = to_error_code(connect_and_wait(socket.handle(), to, limit, what));
  if (error) {
    return {};
  }
  spend_budget();  // a Unix socket is connected without a wait
  return socket;
}

namespace {

descriptor try_to_listen(const net::endpoint& at, const listening& how, std::error_code& error) {
  const os::result made = os::socket(at.family(), SOCK_STREAM);
  error = to_error_code(made.error);
  if (error) {
    return {};
  }
  raw_descriptor raw(made.fd());
  error = to_error_code(bind_socket(raw.get(), at, how.address));
  if (!error) {
    error = to_error_code(os::listen(raw.get(), how.backlog).error);
  }
  return error ? descriptor{} : raw.adopt(sharing::readers);
}

}  // namespace

// A free port is free when it is handed out. Two sockets with SO_REUSEADDR may be bound to the same one as long as neither
// listens, and the second to do so is told EADDRINUSE: it asks for another.
descriptor listen_stream(const net::endpoint& at, const listening& how, std::error_code& error) {
  constexpr int most = 16;
  const bool any_port = (at.family() == AF_INET || at.family() == AF_INET6) && at.port() == 0;
  descriptor made = try_to_listen(at, how, error);
  for (int tries = 1; any_port && tries < most && error == std::errc::address_in_use; ++tries) {
    made = try_to_listen(at, how, error);
  }
  return made;
}

descriptor accept_stream(descriptor_handle listener, time_limit& limit, const char* what, std::error_code& error) {
  os::result r;
  do {
    r = run_io(listener, direction::read, limit, what, 0, short_read::says_nothing, accept_call{});
  } while (is_of_dead_connection(r.error));
  error = to_error_code(r.error);
  return error ? descriptor{} : raw_descriptor(r.fd()).adopt();
}

descriptor take_over_socket(int fd, int type, sharing shared, std::error_code& error) {
  const os::result found = os::get_option(fd, SOL_SOCKET, SO_TYPE);
  error = to_error_code(found.error);
  if (found.ok() && found.value != type) {
    error = std::make_error_code(std::errc::wrong_protocol_type);
  }
  if (!error) {
    error = to_error_code(os::set_nonblocking(fd).error);
  }
  return error ? descriptor{} : descriptor(open_descriptor(fd, shared));
}

}  // namespace weft::inline v0::detail
