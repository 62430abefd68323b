// The system calls of the io and net layers. Each returns its error by value, so that errno never lives across a
// suspension, and each can be made to fail or to do less by a hook that tests install.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // int64_t, uint64_t
#include <limits>   // numeric_limits

#include <poll.h>        // pollfd
#include <pthread.h>     // pthread_t
#include <sys/epoll.h>   // epoll_event
#include <sys/socket.h>  // msghdr, mmsghdr

namespace weft::inline v0::detail::os {

// What a call gave back: value >= 0 and error 0, or value -1 and the errno of the failure.
struct result {
  std::int64_t value = 0;
  int error = 0;
  bool ok() const noexcept { return error == 0; }
  int fd() const noexcept { return static_cast<int>(value); }
  std::size_t count() const noexcept { return static_cast<std::size_t>(value); }
};

enum class call : std::uint8_t {
  socket,
  bind,
  listen,
  accept,
  connect,
  recv,
  send,
  receive_message,
  send_message,
  receive_messages,
  send_messages,
  send_file,
  read_at,
  shutdown,
  close,
  poll,
  duplicate,
  option,
  name,
  epoll_create,
  epoll_add,
  epoll_delete,
  epoll_wait,
  epoll_pwait2,
  eventfd,
  drain,
  thread,
  uring_setup,
  uring_probe,  // fd: the opcode; an error pretends that the kernel does not know it
  uring_entry,  // room for a request
  uring_enter,
  // files: os_files.hpp
  open,
  read,
  write,
  sync,
  status,
  resize,
  rename,
  unlink,
  make_directory,
  list_directory,
  copy_range,
  permissions,
  seek,
  symlink,
  link,
  read_link,
  pipe,
  // processes: os_process.hpp
  spawn,
  pidfd,
  wait_child,
  kill,
  disposition,
};

// What a test makes of a call: with an error the call is not made; `limit` shortens reads and writes.
struct fault {
  int error = 0;
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};
using fault_fn = fault (*)(call which, int fd) noexcept;
// Null (the default) removes the hook. Any thread; calls already past their look at it are not affected.
void set_fault_hook(fault_fn hook) noexcept;
// What is planned for a call that is made elsewhere (rings).
fault planned_fault(call which, int fd) noexcept;

result socket(int domain, int type) noexcept;  // always non-blocking and close-on-exec
result bind(int fd, const void* address, unsigned size) noexcept;
result listen(int fd, int backlog) noexcept;
result accept(int fd) noexcept;  // the new descriptor is non-blocking and close-on-exec
result connect(int fd, const void* address, unsigned size) noexcept;
result recv(int fd, void* data, std::size_t size) noexcept;
result send(int fd, const void* data, std::size_t size) noexcept;  // never raises SIGPIPE
// Descriptors that come with a message are close-on-exec. A fault's `limit` counts bytes here, and messages below.
result receive_message(int fd, msghdr& message) noexcept;
result send_message(int fd, const msghdr& message) noexcept;  // never raises SIGPIPE
result receive_messages(int fd, mmsghdr* messages, std::size_t count) noexcept;
result send_messages(int fd, mmsghdr* messages, std::size_t count) noexcept;
// From a file into a socket. Blocks while the file's data come from the disk. Never raises SIGPIPE, at a cost: three more
// system calls, sendfile(2) having no flag for it.
result send_file(int to, int from, std::uint64_t offset, std::size_t count) noexcept;
result read_at(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept;  // blocks while the disk works
result shutdown_read(int fd) noexcept;
result shutdown_write(int fd) noexcept;
result close(int fd) noexcept;                            // the number is free afterwards, whatever the result
result get_option(int fd, int level, int name) noexcept;  // integer options
result set_option(int fd, int level, int name, int value) noexcept;
result set_linger(int fd, bool on, int seconds) noexcept;
result local_name(int fd, void* address, unsigned& size) noexcept;  // size: room in, length out
result peer_name(int fd, void* address, unsigned& size) noexcept;
result set_nonblocking(int fd) noexcept;
result duplicate(int fd) noexcept;  // close-on-exec

// timeout_ns: 0 polls, negative waits without limit.
result poll(pollfd* set, unsigned count, std::int64_t timeout_ns) noexcept;

result epoll_create() noexcept;
result epoll_add(int epoll, int fd, std::uint32_t events, std::uint64_t data) noexcept;
result epoll_delete(int epoll, int fd) noexcept;
// Nanosecond timeouts where the kernel has epoll_pwait2 (5.11), else rounded up to milliseconds.
result epoll_wait(int epoll, epoll_event* events, int room, std::int64_t timeout_ns) noexcept;

result make_eventfd() noexcept;          // non-blocking and close-on-exec
result signal_eventfd(int fd) noexcept;  // async-signal-safe, keeps errno
result drain_eventfd(int fd) noexcept;

result start_thread(pthread_t& id, void* (*entry)(void*), void* argument) noexcept;

}  // namespace weft::inline v0::detail::os
