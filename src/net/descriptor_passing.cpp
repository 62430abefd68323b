// SCM_RIGHTS: descriptors out of and into control data. Those that arrive have an owner before anything else happens.
#include "net/descriptor_passing.hpp"

#include <cerrno>   // EINVAL
#include <cstring>  // memcpy

#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::net {

void owned_descriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) {
    detail::os::close(old);
  }
}

}  // namespace weft::inline v0::net

namespace weft::inline v0::detail {
namespace {

constexpr int process_descriptor = 4;  // SCM_PIDFD, which older headers lack: one more number that would leak

// The most descriptors there are, and what the socket's owner may have asked for besides (credentials, labels).
struct control_room {
  alignas(cmsghdr) unsigned char bytes[CMSG_SPACE(most_descriptors * sizeof(int)) + 512];
};

void attach(msghdr& message, control_room& room, std::span<const int> fds) noexcept {
  if (fds.empty()) {
    return;
  }
  message.msg_control = room.bytes;
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
}

// Every number that came gets an owner or is closed.
void take_descriptors(msghdr& message, std::span<net::owned_descriptor> owners,
                      net::received_descriptors& got) noexcept {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    const bool ours = head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS;
    const bool stray = head->cmsg_level == SOL_SOCKET && head->cmsg_type == process_descriptor;
    const std::size_t count = ours || stray ? (head->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      net::owned_descriptor came(fd);
      if (ours && got.descriptors < owners.size()) {
        owners[got.descriptors++] = std::move(came);
      } else {
        got.lost |= ours;
      }
    }
  }
  got.lost |= (message.msg_flags & MSG_CTRUNC) != 0;
}

}  // namespace

std::size_t send_descriptors_in_stream(descriptor_handle socket, std::span<const int> fds,
                                       std::span<const std::byte> data, time_limit& limit, const char* what,
                                       std::error_code& error) {
  this_fiber::check_stop();
  if (data.empty() || fds.size() > most_descriptors) {
    error = std::make_error_code(std::errc::invalid_argument);
    return 0;
  }
  control_room room;
  iovec part = to_iovec(data);
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  attach(message, room, fds);

  error.clear();
  descriptor_operation op(socket, direction::write);
  os::result r = run_operation(op, limit, what, [&](int fd) { return os::send_message(fd, message); });
  std::size_t done = 0;
  while (r.ok()) {
    done += r.count();
    spend_budget();
    if (done == data.size()) {
      return done;
    }
    this_fiber::check_stop();
    const auto rest = data.subspan(done);
    r = run_operation(op, limit, what, [rest](int fd) { return os::send(fd, rest.data(), rest.size()); });
  }
  error = to_error_code(r.error);
  return done;
}

void send_descriptors_in_datagram(descriptor_handle socket, std::span<const int> fds, std::span<const std::byte> data,
                                  const net::endpoint& to, time_limit& limit, const char* what,
                                  std::error_code& error) {
  if (fds.size() > most_descriptors) {
    this_fiber::check_stop();
    error = std::make_error_code(std::errc::invalid_argument);
    return;
  }
  control_room room;
  iovec part = to_iovec(data);
  msghdr message{};
  set_name(message, to);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  attach(message, room, fds);
  error = to_error_code(send_one(socket, message, limit, what).error);
}

net::received_descriptors receive_descriptors(descriptor_handle socket, std::span<std::byte> into,
                                              std::span<net::owned_descriptor> owners, time_limit& limit,
                                              const char* what, std::error_code& error) {
  control_room room;
  iovec part = to_iovec(into);
  msghdr message{};
  net::received_descriptors got;
  const os::result r = run_io(socket, direction::read, limit, what, 0, short_read::says_nothing, [&](int fd) {
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.bytes;
    message.msg_controllen = sizeof room.bytes;
    const os::result received = os::receive_message(fd, message);
    if (received.ok()) {  // here, not later: leaving the operation may suspend
      got.size = received.count();
      got.truncated = (message.msg_flags & MSG_TRUNC) != 0;
      take_descriptors(message, owners, got);
    }
    return received;
  });
  error = to_error_code(r.error);
  return got;
}

}  // namespace weft::inline v0::detail
