// The system calls behind os_files.hpp.
#include "io/os_files.hpp"

#include <cerrno>   // EOPNOTSUPP, EPIPE
#include <csignal>  // sigset_t, SIGPIPE
#include <cstdio>   // renameat, through unistd
#include <ctime>    // timespec

#include <fcntl.h>        // openat, AT_EMPTY_PATH
#include <sys/syscall.h>  // SYS_getdents64
#include <unistd.h>       // ftruncate, unlinkat, copy_file_range, pipe2

#include "io/os_invoke.hpp"
#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail::os {
namespace {

constexpr int nowait = 0x08;     // RWF_NOWAIT
constexpr int nosignal = 0x100;  // RWF_NOSIGNAL: Linux 6.18
atomic<bool> lacks_nosignal{false};

int flags_of(sleep may) noexcept { return may == sleep::forbidden ? nowait : 0; }

// write(2) sends SIGPIPE to the thread that calls it. While this lives the thread has it blocked; one that came meanwhile
// is taken away, one that was pending before stays.
class sigpipe_blocked {
 public:
  sigpipe_blocked() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigemptyset(&pending);
    ::sigpending(&pending);  // fails only for a bad address; so do the others
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~sigpipe_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  sigpipe_blocked(const sigpipe_blocked&) = delete;
  sigpipe_blocked& operator=(const sigpipe_blocked&) = delete;

  void take_raised() noexcept {
    if (!was_pending_) {
      const timespec at_once{};
      ::sigtimedwait(&pipe_, nullptr, &at_once);  // EAGAIN: it was ignored, so there is none
    }
  }

 private:
  sigset_t pipe_, before_;
  bool was_pending_;
};

result write_quietly(int fd, const iovec* from, int count, std::int64_t offset, int flags) noexcept {
  if (!lacks_nosignal.load(memory_order_relaxed)) {  // relaxed: a cached fact, rediscovered by whoever misses it
    const std::int64_t value = ::pwritev2(fd, from, count, offset, flags | nosignal);
    const int error = value < 0 ? last_error() : 0;
    if (value >= 0 || error != EOPNOTSUPP) {
      return {value, error};
    }
  }
  sigpipe_blocked quiet;
  const std::int64_t value = ::pwritev2(fd, from, count, offset, flags);
  const int error = value < 0 ? last_error() : 0;
  if (error == EPIPE) {
    quiet.take_raised();
  }
  if (error != EOPNOTSUPP) {                           // so it was not `flags` that it did not know
    lacks_nosignal.store(true, memory_order_relaxed);  // relaxed: see the load
  }
  return {value, error};
}

// move(vector, count) -> result
template <class Move>
result invoke_vector(call which, int fd, const iovec* parts, int count, Move&& move) noexcept {
  const fault planned = planned_fault(which, fd);
  if (planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  }
  if (planned.limit != fault{}.limit && count != 0) [[unlikely]] {
    const iovec less = first_bytes(parts, count, planned.limit);
    return move(&less, 1);
  }
  return move(parts, count);
}

}  // namespace

iovec first_bytes(const iovec* from, int count, std::size_t limit) noexcept {
  int i = 0;
  while (i + 1 < count && from[i].iov_len == 0) {
    ++i;
  }
  return {.iov_base = from[i].iov_base, .iov_len = std::min(limit, from[i].iov_len)};
}

result open(const char* path, int flags, unsigned permissions) noexcept {
  return invoke(call::open, -1, [&] { return ::openat(AT_FDCWD, path, flags | O_CLOEXEC, permissions); });
}
result read_vector(int fd, const iovec* to, int count, std::int64_t offset, sleep may) noexcept {
  return invoke_vector(call::read, fd, to, count, [&](const iovec* parts, int n) -> result {
    const std::int64_t value = ::preadv2(fd, parts, n, offset, flags_of(may));
    return {value, value < 0 ? last_error() : 0};
  });
}
result write_vector(int fd, const iovec* from, int count, std::int64_t offset, sleep may) noexcept {
  return invoke_vector(call::write, fd, from, count,
                       [&](const iovec* parts, int n) { return write_quietly(fd, parts, n, offset, flags_of(may)); });
}
result sync(int fd, bool data_only) noexcept {
  return invoke(call::sync, fd, [&] { return data_only ? ::fdatasync(fd) : ::fsync(fd); });
}
result status(int fd, const char* path, last_link link, struct statx& out) noexcept {
  const int flags = (*path == '\0' ? AT_EMPTY_PATH : 0) | (link == last_link::kept ? AT_SYMLINK_NOFOLLOW : 0);
  return invoke(call::status, fd, [&] { return ::statx(fd, path, flags, STATX_BASIC_STATS, &out); });
}
result resize(int fd, std::int64_t size) noexcept {
  return invoke(call::resize, fd, [&] { return ::ftruncate(fd, size); });
}
result rename(const char* from, const char* to) noexcept {
  return invoke(call::rename, -1, [&] { return ::renameat(AT_FDCWD, from, AT_FDCWD, to); });
}
result unlink(const char* path, bool directory) noexcept {
  return invoke(call::unlink, -1, [&] { return ::unlinkat(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0); });
}
result make_directory(const char* path, unsigned permissions) noexcept {
  return invoke(call::make_directory, -1, [&] { return ::mkdirat(AT_FDCWD, path, permissions); });
}
result list_directory(int fd, void* buffer, std::size_t size) noexcept {
  return invoke(call::list_directory, fd, [&] { return ::syscall(SYS_getdents64, fd, buffer, size); });
}
result copy_range(int from, int to, std::size_t size) noexcept {
  return invoke_sized(call::copy_range, to, size,
                      [&](std::size_t n) { return ::copy_file_range(from, nullptr, to, nullptr, n, 0); });
}
result set_permissions(int fd, unsigned permissions) noexcept {
  return invoke(call::permissions, fd, [&] { return ::fchmod(fd, permissions); });
}
result seek(int fd, std::int64_t offset, int whence) noexcept {
  return invoke(call::seek, fd, [&] { return ::lseek(fd, offset, whence); });
}
result make_symlink(const char* target, const char* path) noexcept {
  return invoke(call::symlink, -1, [&] { return ::symlinkat(target, AT_FDCWD, path); });
}
result make_link(const char* target, const char* path) noexcept {
  return invoke(call::link, -1, [&] { return ::linkat(AT_FDCWD, target, AT_FDCWD, path, 0); });
}
result read_link(const char* path, char* buffer, std::size_t size) noexcept {
  return invoke_sized(call::read_link, -1, size,
                      [&](std::size_t n) { return ::readlinkat(AT_FDCWD, path, buffer, n); });
}

result make_pipe(int (&ends)[2]) noexcept {
  return invoke(call::pipe, -1, [&] { return ::pipe2(ends, O_CLOEXEC); });
}
result is_blocking(int fd) noexcept {
  const result flags = invoke(call::option, fd, [&] { return ::fcntl(fd, F_GETFL); });
  return flags.ok() ? result{(flags.value & O_NONBLOCK) == 0 ? 1 : 0, 0} : flags;
}
result duplicate_above_standard(int fd) noexcept {
  return invoke(call::duplicate, fd, [&] { return ::fcntl(fd, F_DUPFD_CLOEXEC, 3); });
}

}  // namespace weft::inline v0::detail::os
