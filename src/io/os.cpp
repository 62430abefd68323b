// The system calls behind os.hpp.
#include "io/os.hpp"

#include <algorithm>  // min
#include <cerrno>     // errno
#include <ctime>      // timespec
#include <tuple>      // tie
#include <utility>    // pair

#include <fcntl.h>         // fcntl
#include <sys/eventfd.h>   // eventfd
#include <sys/sendfile.h>  // sendfile
#include <sys/socket.h>    // sockets
#include <sys/syscall.h>   // SYS_epoll_pwait2
#include <unistd.h>        // close, read, pread, write, syscall

#include "io/os_invoke.hpp"
#include "io/sigpipe.hpp"
#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail::os {
namespace {

atomic<fault_fn> fault_hook{nullptr};
atomic<bool> lacks_pwait2{false};

// A limit below the whole leaves as many bytes of the message's first buffer that has any.
template <class Call>
result invoke_message(call which, int fd, msghdr& message, Call&& make) noexcept {
  const fault planned = planned_fault(which, fd);
  if (planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  }
  iovec part{};
  const auto whole = std::pair(message.msg_iov, message.msg_iovlen);
  if (planned.limit != fault{}.limit) [[unlikely]] {
    for (std::size_t i = 0; i < whole.second && part.iov_len == 0; ++i) {
      part = {whole.first[i].iov_base, std::min(whole.first[i].iov_len, planned.limit)};
    }
    message.msg_iov = &part;
    message.msg_iovlen = 1;
  }
  sanitizer_publish_io();
  const std::int64_t value = make(message);
  const result r = value < 0 ? result{-1, last_error()} : result{value, 0};
  std::tie(message.msg_iov, message.msg_iovlen) = whole;
  return r;
}

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;

timespec to_timespec(std::int64_t ns) noexcept {
  return {.tv_sec = ns / ns_per_s, .tv_nsec = static_cast<long>(ns % ns_per_s)};
}

int to_ms_rounded_up(std::int64_t ns) noexcept {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(most, ns / ns_per_ms + (ns % ns_per_ms != 0 ? 1 : 0)));
}

result epoll_wait_ms(int epoll, epoll_event* events, int room, int timeout_ms) noexcept {
  return invoke(call::epoll_wait, epoll, [&] { return ::epoll_wait(epoll, events, room, timeout_ms); });
}

}  // namespace

// errno's address is a "const" function to the compiler, which may reuse it across a suspension once callers are
// inlined; this one cannot be inlined nor merged, so the address is taken on the thread that made the call.
[[gnu::noinline]] int last_error() noexcept {
  asm volatile("" ::: "memory");
  return errno;
}

void set_fault_hook(fault_fn hook) noexcept {
  fault_hook.store(hook, memory_order_release);  // pairs with planned_fault: the hook's data are visible to it
}

fault planned_fault(call which, int fd) noexcept {
  const fault_fn hook = fault_hook.load(memory_order_acquire);  // pairs with set_fault_hook
  return hook == nullptr ? fault{} : hook(which, fd);
}

result socket(int domain, int type) noexcept {
  return invoke(call::socket, -1, [&] { return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
}
result bind(int fd, const void* address, unsigned size) noexcept {
  return invoke(call::bind, fd, [&] { return ::bind(fd, static_cast<const sockaddr*>(address), size); });
}
result listen(int fd, int backlog) noexcept {
  return invoke(call::listen, fd, [&] { return ::listen(fd, backlog); });
}
result accept(int fd) noexcept {
  return invoke(call::accept, fd, [&] { return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
}
result connect(int fd, const void* address, unsigned size) noexcept {
  return invoke(call::connect, fd, [&] { return ::connect(fd, static_cast<const sockaddr*>(address), size); });
}
result recv(int fd, void* data, std::size_t size) noexcept {
  return invoke_sized(call::recv, fd, size, [&](std::size_t n) { return ::recv(fd, data, n, 0); });
}
result send(int fd, const void* data, std::size_t size) noexcept {
  return invoke_sized(call::send, fd, size, [&](std::size_t n) { return ::send(fd, data, n, MSG_NOSIGNAL); });
}
result receive_message(int fd, msghdr& message) noexcept {
  return invoke_message(call::receive_message, fd, message,
                        [&](msghdr& m) { return ::recvmsg(fd, &m, MSG_CMSG_CLOEXEC); });
}
result send_message(int fd, const msghdr& message) noexcept {
  msghdr copy = message;
  return invoke_message(call::send_message, fd, copy, [&](msghdr& m) { return ::sendmsg(fd, &m, MSG_NOSIGNAL); });
}
result receive_messages(int fd, mmsghdr* messages, std::size_t count) noexcept {
  return invoke_sized(call::receive_messages, fd, count, [&](std::size_t n) {
    return ::recvmmsg(fd, messages, static_cast<unsigned>(n), MSG_CMSG_CLOEXEC, nullptr);
  });
}
result send_messages(int fd, mmsghdr* messages, std::size_t count) noexcept {
  return invoke_sized(call::send_messages, fd, count,
                      [&](std::size_t n) { return ::sendmmsg(fd, messages, static_cast<unsigned>(n), MSG_NOSIGNAL); });
}
result send_file(int to, int from, std::uint64_t offset, std::size_t count) noexcept {
  return invoke_sized(call::send_file, to, count, [&](std::size_t n) {
    off_t at = static_cast<off_t>(offset);
    const sigpipe_block block;
    const ssize_t sent = ::sendfile(to, from, &at, n);
    const int error = errno;
    if (sent < 0 && error == EPIPE) {
      block.take_signal();
    }
    errno = error;
    return sent;
  });
}
result read_at(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept {
  return invoke_sized(call::read_at, fd, size,
                      [&](std::size_t n) { return ::pread(fd, data, n, static_cast<off_t>(offset)); });
}
result shutdown_read(int fd) noexcept {
  return invoke(call::shutdown, fd, [&] { return ::shutdown(fd, SHUT_RD); });
}
result shutdown_write(int fd) noexcept {
  return invoke(call::shutdown, fd, [&] { return ::shutdown(fd, SHUT_WR); });
}
result close(int fd) noexcept {
  return invoke(call::close, fd, [&] { return ::close(fd); });
}

result get_option(int fd, int level, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  const result r = invoke(call::option, fd, [&] { return ::getsockopt(fd, level, name, &value, &size); });
  return r.ok() ? result{value, 0} : r;
}
result set_option(int fd, int level, int name, int value) noexcept {
  return invoke(call::option, fd, [&] { return ::setsockopt(fd, level, name, &value, sizeof value); });
}
result set_linger(int fd, bool on, int seconds) noexcept {
  const linger value{.l_onoff = on ? 1 : 0, .l_linger = seconds};
  return invoke(call::option, fd, [&] { return ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value); });
}
result local_name(int fd, void* address, unsigned& size) noexcept {
  return invoke(call::name, fd, [&] { return ::getsockname(fd, static_cast<sockaddr*>(address), &size); });
}
result peer_name(int fd, void* address, unsigned& size) noexcept {
  return invoke(call::name, fd, [&] { return ::getpeername(fd, static_cast<sockaddr*>(address), &size); });
}
result set_nonblocking(int fd) noexcept {
  const result flags = invoke(call::option, fd, [&] { return ::fcntl(fd, F_GETFL); });
  if (!flags.ok() || (flags.value & O_NONBLOCK) != 0) {
    return flags;
  }
  return invoke(call::option, fd, [&] { return ::fcntl(fd, F_SETFL, static_cast<int>(flags.value) | O_NONBLOCK); });
}
result duplicate(int fd) noexcept {
  return invoke(call::duplicate, fd, [&] { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); });
}

result poll(pollfd* set, unsigned count, std::int64_t timeout_ns) noexcept {
  return invoke(call::poll, count == 0 ? -1 : set[0].fd, [&] {
    const timespec limit = to_timespec(timeout_ns < 0 ? 0 : timeout_ns);
    return ::ppoll(set, count, timeout_ns < 0 ? nullptr : &limit, nullptr);
  });
}

result epoll_create() noexcept {
  return invoke(call::epoll_create, -1, [] { return ::epoll_create1(EPOLL_CLOEXEC); });
}
result epoll_add(int epoll, int fd, std::uint32_t events, std::uint64_t data) noexcept {
  return invoke(call::epoll_add, fd, [&] {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  });
}
result epoll_delete(int epoll, int fd) noexcept {
  return invoke(call::epoll_delete, fd, [&] { return ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr); });
}

result epoll_wait(int epoll, epoll_event* events, int room, std::int64_t timeout_ns) noexcept {
  if (timeout_ns <= 0) {
    return epoll_wait_ms(epoll, events, room, timeout_ns < 0 ? -1 : 0);
  }
  if (!lacks_pwait2.load(memory_order_relaxed)) {  // relaxed: a cached fact, rediscovered by whoever misses it
    const result r = invoke(call::epoll_pwait2, epoll, [&] {
      const timespec limit = to_timespec(timeout_ns);
      return ::syscall(SYS_epoll_pwait2, epoll, events, room, &limit, nullptr, std::size_t{0});
    });
    // EPERM: seccomp filters of older containers answer so for calls they do not know.
    if (r.error != ENOSYS && r.error != EPERM) {
      return r;
    }
    lacks_pwait2.store(true, memory_order_relaxed);  // relaxed: see the load
  }
  return epoll_wait_ms(epoll, events, room, to_ms_rounded_up(timeout_ns));
}

result make_eventfd() noexcept {
  return invoke(call::eventfd, -1, [] { return ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); });
}

result signal_eventfd(int fd) noexcept {
  const int kept = errno;  // a signal handler may be the caller
  const std::uint64_t one = 1;
  const ssize_t wrote = ::write(fd, &one, sizeof one);
  const result r = wrote < 0 ? result{-1, errno} : result{wrote, 0};
  errno = kept;
  return r;
}

result drain_eventfd(int fd) noexcept {
  std::uint64_t count = 0;
  return invoke(call::drain, fd, [&] { return ::read(fd, &count, sizeof count); });
}

result start_thread(pthread_t& id, void* (*entry)(void*), void* argument) noexcept {
  return invoke_returning(call::thread, -1, [&] { return ::pthread_create(&id, nullptr, entry, argument); });
}

}  // namespace weft::inline v0::detail::os
