// Making datagram sockets, and one message at a time.
#include "net/datagram.hpp"

#include <algorithm>  // min
#include <cerrno>     // EAGAIN, EINTR, ETIMEDOUT, ECANCELED
#include <chrono>     // milliseconds

#include "sched/poller.hpp"           // on_worker
#include <weft/sched/this_fiber.hpp>  // check_stop, sleep_until

namespace weft::inline v0::detail {
namespace {

net::received_datagram receive_named(descriptor_handle socket, std::span<std::byte> into, bool named, time_limit& limit,
                                     const char* what, std::error_code& error) {
  alignas(8) unsigned char name[net::endpoint::capacity];
  iovec part = to_iovec(into);
  msghdr message{};
  message.msg_name = named ? name : nullptr;
  message.msg_namelen = named ? sizeof name : 0;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const os::result r = receive_one(socket, message, limit, what);
  error = to_error_code(r.error);
  if (error) {
    return {};
  }
  return {r.count(), (message.msg_flags & MSG_TRUNC) != 0, named ? sender_of(message) : net::endpoint{}};
}

void send_named(descriptor_handle socket, std::span<const std::byte> data, const net::endpoint& to, time_limit& limit,
                const char* what, std::error_code& error) {
  iovec part = to_iovec(data);
  msghdr message{};
  set_name(message, to);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  error = to_error_code(send_one(socket, message, limit, what).error);
}

// Waits for the pause to end, or for an edge, where there are edges. 0, or why there is no use in trying again.
int pause_sending(descriptor_operation& op, descriptor_handle socket, time_point until, const char* what) {
  op.exhausted();
  // Polling, a ring's too, would say at once that there is room: in the socket's own buffer.
  if (on_worker() && current_ring(ring_call::poll) != nullptr) {
    return op.pause(until, what);
  }
  if (on_worker()) {
    time_limit limit(until);
    const int error = op.wait(limit, what);
    return error == ETIMEDOUT ? 0 : error;
  }
  sleep_until(until);
  return descriptor_hold(socket).fd() < 0 ? ECANCELED : 0;
}

// The queue of the addressed socket may be full, and no event tells who is not its peer when there is room: it is asked
// again, ever more rarely.
os::result send_to_name(descriptor_handle socket, const msghdr& message, time_limit& limit, const char* what) {
  constexpr std::chrono::milliseconds longest_pause{32};
  this_fiber::check_stop();
  descriptor_operation op(socket, direction::write);
  if (op.error() != 0) {
    return {-1, op.error()};
  }
  for (std::chrono::milliseconds pause{1};; pause = std::min(2 * pause, longest_pause)) {
    os::result r = os::send_message(op.fd(), message);
    while (r.error == EINTR) {
      r = os::send_message(op.fd(), message);
    }
    if (r.error != EAGAIN) {
      spend_budget();
      return r;
    }
    const time_point deadline = limit.deadline(), start = now();
    if (deadline <= start) {
      op.exhausted();
      return {-1, ETIMEDOUT};
    }
    if (const int error = pause_sending(op, socket, std::min(deadline, start + pause), what); error != 0) {
      return {-1, error};
    }
  }
}

}  // namespace

net::endpoint sender_of(const msghdr& message) noexcept {
  std::error_code none;
  return net::endpoint::from_sockaddr(message.msg_name, message.msg_namelen, none);
}

descriptor bind_datagram(const net::endpoint& at, const binding& how, std::error_code& error) {
  const os::result made = os::socket(at.family(), SOCK_DGRAM);
  error = to_error_code(made.error);
  if (error) {
    return {};
  }
  raw_descriptor raw(made.fd());
  error = to_error_code(bind_socket(raw.get(), at, how));
  return error ? descriptor{} : raw.adopt(sharing::everyone);
}

descriptor connect_datagram(const net::endpoint& peer, std::error_code& error) {
  const os::result made = os::socket(peer.family(), SOCK_DGRAM);
  error = to_error_code(made.error);
  if (error) {
    return {};
  }
  raw_descriptor raw(made.fd());
  error = to_error_code(os::connect(raw.get(), peer.data(), peer.size()).error);
  return error ? descriptor{} : raw.adopt(sharing::everyone);
}

os::result receive_one(descriptor_handle socket, msghdr& message, time_limit& limit, const char* what) {
  const msghdr asked = message;
  return run_io(socket, direction::read, limit, what, 0, short_read::says_nothing, [&](int fd) {
    message = asked;
    return os::receive_message(fd, message);
  });
}

os::result send_one(descriptor_handle socket, const msghdr& message, time_limit& limit, const char* what) {
  if (message.msg_name != nullptr && static_cast<const sockaddr*>(message.msg_name)->sa_family == AF_UNIX) {
    return send_to_name(socket, message, limit, what);
  }
  return run_io(socket, direction::write, limit, what, 0, short_read::says_nothing,
                [&](int fd) { return os::send_message(fd, message); });
}

void datagram_socket::send_to(std::span<const std::byte> data, const net::endpoint& to, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  send_named(handle(), data, to, limit, wait_name(true), error);
}
void datagram_socket::send_to(std::span<const std::byte> data, const net::endpoint& to) {
  std::error_code error;
  send_to(data, to, error);
  throw_if(error, "send_to");
}

void datagram_socket::send(std::span<const std::byte> data, std::error_code& error) { send_to(data, {}, error); }
void datagram_socket::send(std::span<const std::byte> data) {
  std::error_code error;
  send(data, error);
  throw_if(error, "send");
}

net::received_datagram datagram_socket::receive_from(std::span<std::byte> into, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  return receive_named(handle(), into, true, limit, wait_name(false), error);
}
net::received_datagram datagram_socket::receive_from(std::span<std::byte> into) {
  std::error_code error;
  const net::received_datagram got = receive_from(into, error);
  throw_if(error, "receive_from");
  return got;
}

net::received_datagram datagram_socket::receive(std::span<std::byte> into, std::error_code& error) {
  time_limit limit(current_timeout_ns());
  return receive_named(handle(), into, false, limit, wait_name(false), error);
}
net::received_datagram datagram_socket::receive(std::span<std::byte> into) {
  std::error_code error;
  const net::received_datagram got = receive(into, error);
  throw_if(error, "receive");
  return got;
}

void datagram_socket::set_peer(const net::endpoint& peer, std::error_code& error) noexcept {
  const descriptor_hold hold(handle());
  error = to_error_code(os::connect(hold.fd(), peer.data(), peer.size()).error);
}
void datagram_socket::set_peer(const net::endpoint& peer) {
  std::error_code error;
  set_peer(peer, error);
  throw_if(error, "set_peer");
}

void datagram_socket::clear_peer(std::error_code& error) noexcept {
  const descriptor_hold hold(handle());
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  error = to_error_code(os::connect(hold.fd(), &nobody, sizeof nobody).error);
}
void datagram_socket::clear_peer() {
  std::error_code error;
  clear_peer(error);
  throw_if(error, "clear_peer");
}

net::endpoint datagram_socket::remote_endpoint(std::error_code& error) const {
  return socket_name(handle(), end::remote, error);
}
net::endpoint datagram_socket::remote_endpoint() const {
  std::error_code error;
  const net::endpoint name = remote_endpoint(error);
  throw_if(error, "remote_endpoint");
  return name;
}

}  // namespace weft::inline v0::detail
