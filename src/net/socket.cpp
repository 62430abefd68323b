// Sockets over descriptor operations.
#include "net/socket.hpp"

#include <algorithm>  // min

#include <sys/socket.h>  // SO_ERROR, SO_TYPE
#include <sys/un.h>      // sockaddr_un

#include <weft/net/error.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

// Whether a connection attempt has been decided: 0 connected, EINPROGRESS not yet, else why it failed.
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

int connect_and_wait(descriptor_handle socket, const net::endpoint& to, time_limit& limit, const char* what) {
  descriptor_operation op(socket, direction::write);
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

// Nothing to transfer: neither tried nor waited for. \return 0
std::size_t transfer_nothing(descriptor_handle socket, std::error_code& error) {
  this_fiber::check_stop();
  const descriptor_hold hold(socket);
  error = to_error_code(hold.fd() < 0 ? EBADF : 0);
  return 0;
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

}  // namespace

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

std::error_code set_socket_option(descriptor_handle socket, int level, int name, int value) noexcept {
  const descriptor_hold hold(socket);
  return to_error_code(os::set_option(hold.fd(), level, name, value).error);
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
  return error ? descriptor{} : std::move(socket);
}

descriptor accept_stream(descriptor_handle listener, time_limit& limit, const char* what, std::error_code& error) {
  const os::result r = run_io(listener, direction::read, limit, what, 0, short_read::says_nothing, [](int fd) {
    os::result got = os::accept(fd);
    while (is_of_dead_connection(got.error)) {
      got = os::accept(fd);
    }
    return got;
  });
  error = to_error_code(r.error);
  return error ? descriptor{} : raw_descriptor(r.fd()).adopt();
}

descriptor take_over_stream(int fd, std::error_code& error) {
  const os::result type = os::get_option(fd, SOL_SOCKET, SO_TYPE);
  error = to_error_code(type.error);
  if (type.ok() && type.value != SOCK_STREAM) {
    error = std::make_error_code(std::errc::wrong_protocol_type);
  }
  if (!error) {
    error = to_error_code(os::set_nonblocking(fd).error);
  }
  return error ? descriptor{} : descriptor(open_descriptor(fd));
}

std::size_t read_stream(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, short_read rule,
                        const char* what, std::error_code& error) {
  if (into.empty()) {
    return transfer_nothing(socket, error);
  }
  const os::result r = run_io(socket, direction::read, limit, what, into.size(), rule,
                              [into](int fd) { return os::recv(fd, into.data(), into.size()); });
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

std::size_t write_stream(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                         std::error_code& error) {
  if (from.empty()) {
    return transfer_nothing(socket, error);
  }
  const os::result r = run_io(socket, direction::write, limit, what, 0, short_read::says_nothing,
                              [from](int fd) { return os::send(fd, from.data(), from.size()); });
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

// Both hold their direction from the first byte to the last: nobody else's bytes come in between.
std::size_t read_whole(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, const char* what,
                       std::error_code& error) {
  if (into.empty()) {
    return transfer_nothing(socket, error);
  }
  error.clear();
  std::size_t done = 0;
  descriptor_operation op(socket, direction::read);
  while (done < into.size()) {
    this_fiber::check_stop();
    const auto rest = into.subspan(done);
    const os::result r =
        run_operation(op, limit, what, [rest](int fd) { return os::recv(fd, rest.data(), rest.size()); });
    if (!r.ok() || r.value == 0) {
      error = r.ok() ? make_error_code(net::error::end_of_stream) : to_error_code(r.error);
      return done;
    }
    done += r.count();
    spend_budget();
  }
  return done;
}

std::size_t write_whole(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                        std::error_code& error) {
  if (from.empty()) {
    return transfer_nothing(socket, error);
  }
  error.clear();
  std::size_t done = 0;
  descriptor_operation op(socket, direction::write);
  while (done < from.size()) {
    this_fiber::check_stop();
    const auto rest = from.subspan(done);
    const os::result r =
        run_operation(op, limit, what, [rest](int fd) { return os::send(fd, rest.data(), rest.size()); });
    if (!r.ok()) {
      error = to_error_code(r.error);
      return done;
    }
    done += r.count();
    spend_budget();
  }
  return done;
}

}  // namespace weft::inline v0::detail
