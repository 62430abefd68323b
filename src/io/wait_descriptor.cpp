// Waiting for a descriptor of anybody's. A ring polls what the number stands for now. With epoll it is registered through
// a duplicate of its own: the number itself may be in the same epoll set already, for a stream or for another waiting
// fiber, and may be closed by its owner at any time.
#include <weft/io/wait_descriptor.hpp>

#include <poll.h>  // pollfd

#include "io/errors.hpp"
#include "io/operation.hpp"
#include "io/raw_descriptor.hpp"
#include "sched/poller.hpp"
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

// 0 ready, ETIMEDOUT not (within the time), else an errno.
int poll_once(int fd, bool writable, std::int64_t timeout_ns) noexcept {
  pollfd one{.fd = fd, .events = writable ? short{POLLOUT} : short{POLLIN}, .revents = 0};
  const os::result r = os::poll(&one, 1, timeout_ns);
  if (!r.ok()) {
    return r.error;
  }
  return r.value == 0 ? ETIMEDOUT : ((one.revents & POLLNVAL) != 0 ? EBADF : 0);
}

int poll_until(int fd, bool writable, time_point deadline) noexcept {
  for (;;) {
    const std::int64_t left_ns = timeout_until(deadline);
    const int error = poll_once(fd, writable, left_ns);
    if (error != EINTR && (error != ETIMEDOUT || left_ns == 0)) {
      return error;
    }
  }
}

int park_until(int fd, bool writable, time_point deadline) {
  const char* const what = writable ? "descriptor writable" : "descriptor readable";
  if (ring* const on = current_ring(ring_call::poll)) {
    return wait_for_events(*on, fd, writable ? POLLOUT : POLLIN, deadline, what);
  }
  const os::result copy = os::duplicate(fd);
  if (!copy.ok()) {
    return copy.error;
  }
  const descriptor watched = raw_descriptor(copy.fd()).adopt(sharing::exclusive, false);
  descriptor_operation op(watched.handle(), writable ? direction::write : direction::read);
  time_limit limit(deadline);
  // An edge may be none of readiness (urgent data, or the poller's end): poll(2) has the last word after each.
  const auto look = [writable](int number) {
    const int error = poll_once(number, writable, 0);
    return error == 0 ? os::result{} : os::result{-1, error == ETIMEDOUT ? EAGAIN : error};
  };
  return run_operation(op, limit, what, look).error;
}

}  // namespace

bool wait_descriptor(int fd, bool writable, time_point deadline, std::error_code& error) {
  this_fiber::check_stop();
  int failed = 0;
  if (fd < 0) {
    failed = EBADF;  // poll(2) would pass over it
  } else if (!on_worker()) {
    failed = poll_until(fd, writable, deadline);
  } else {
    // A look first: it is all that a ready descriptor needs, and regular files, which epoll refuses, are always ready.
    failed = poll_until(fd, writable, time_point::min());
    if (failed == 0) {
      spend_budget();
    } else if (failed == ETIMEDOUT && deadline > now()) {
      failed = park_until(fd, writable, deadline);
    }
  }
  error = failed == ETIMEDOUT ? std::error_code{} : to_error_code(failed);
  return failed == 0;
}

bool wait_descriptor(int fd, bool writable, time_point deadline) {
  std::error_code error;
  const bool ready = wait_descriptor(fd, writable, deadline, error);
  throw_if(error, writable ? "net::wait_writable" : "net::wait_readable");
  return ready;
}

}  // namespace weft::inline v0::detail
