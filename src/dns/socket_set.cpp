// The system calls of a socket set.
#include "dns/socket_set.hpp"

#include <cerrno>   // errno
#include <cstdint>  // uint32_t

#include <sys/epoll.h>  // epoll_create1, epoll_ctl, epoll_wait
#include <unistd.h>     // close

namespace weft::inline v0::dns {

socket_set::~socket_set() {
  if (set_ >= 0) {
    static_cast<void>(::close(set_));  // the number is free whatever it says
  }
}

int socket_set::open() noexcept {
  set_ = ::epoll_create1(EPOLL_CLOEXEC);
  return set_ >= 0 ? 0 : errno;
}

void socket_set::watch(int socket, bool readable, bool writable) noexcept {
  epoll_event wanted{};
  wanted.events = (readable ? std::uint32_t{EPOLLIN} : 0U) | (writable ? std::uint32_t{EPOLLOUT} : 0U);
  wanted.data.fd = socket;
  if (wanted.events == 0) {
    // Explicitly: a duplicate in a child process would keep it in the set. It may never have been there.
    static_cast<void>(::epoll_ctl(set_, EPOLL_CTL_DEL, socket, nullptr));
    return;
  }
  if (::epoll_ctl(set_, EPOLL_CTL_MOD, socket, &wanted) == 0) {
    return;
  }
  int error = errno;
  if (error == ENOENT) {
    error = ::epoll_ctl(set_, EPOLL_CTL_ADD, socket, &wanted) == 0 ? 0 : errno;
  }
  if (failure_ == 0) {
    failure_ = error;
  }
}

std::optional<socket_set::event> socket_set::next() noexcept {
  epoll_event one{};
  if (::epoll_wait(set_, &one, 1, 0) != 1) {
    return std::nullopt;  // none; or EINTR, and whoever waits looks again
  }
  // An error or a hangup is told by reading or writing, whichever c-ares wants to do.
  const bool over = (one.events & (EPOLLERR | EPOLLHUP)) != 0;
  return event{one.data.fd, over || (one.events & EPOLLIN) != 0, over || (one.events & EPOLLOUT) != 0};
}

}  // namespace weft::inline v0::dns
