// The file system calls: by the ring of the worker, where it has one, else on the blocking pool.
#include "io/file_calls.hpp"

#include <cerrno>        // EINTR, EAGAIN
#include <system_error>  // system_error
#include <type_traits>   // remove_reference

#include <fcntl.h>  // O_CLOEXEC, AT_EMPTY_PATH, AT_REMOVEDIR

#include "io/blocking_pool.hpp"
#include "io/file_requests.hpp"
#include "sched/poller.hpp"           // on_worker
#include <weft/sched/this_fiber.hpp>  // cancel_shield

namespace weft::inline v0::detail::file_calls {
namespace {

template <class Call>
struct pool_call : blocking_call {
  explicit pool_call(Call& c) noexcept : blocking_call{&invoke_it}, call(&c) {}
  static void invoke_it(blocking_call& base) noexcept {
    auto& self = static_cast<pool_call&>(base);
    self.got = (*self.call)();
  }
  Call* call;
  result got;
};

// False: no thread of the pool could be had, and nothing was done.
template <class Call>
bool on_pool(const char* what, Call& call, result& got) {
  pool_call<Call> body(call);
  try {
    run_blocking(body, what);
  } catch (const std::system_error&) {
    return false;
  }
  got = body.got;
  return true;
}

// Without a ring for it.
template <class Call>
result perform(const char* what, Call&& call) {
  const auto until_done = [&call]() noexcept {
    for (;;) {
      const result r = call();
      if (r.error != EINTR) {
        return r;
      }
    }
  };
  result got;
  return on_pool(what, until_done, got) ? got : result{-1, EAGAIN};
}

template <class Call>
result perform(const char* what, const ring_entry& entry, Call&& call) {
  this_fiber::check_stop();
  for (result got; on_ring(what, entry, got);) {
    if (got.error != EINTR) {
      return got;
    }
  }
  return perform(what, call);
}

}  // namespace

result open(const char* path, int flags, unsigned permissions) {
  return perform("file open",
                 {.call = ring_call::open,
                  .data = path,
                  .size = permissions,
                  .flags = static_cast<std::uint32_t>(flags | O_CLOEXEC)},
                 [=] { return os::open(path, flags, permissions); });
}

result close(int fd) noexcept {
  const cancel_shield until_closed;
  const auto once = [fd]() noexcept { return os::close(fd); };
  result got;
  if (!on_ring("file close", {.call = ring_call::close, .fd = fd}, got) && !on_pool("file close", once, got)) {
    got = once();
  }
  return got.error == EINTR ? result{} : got;  // the number is free all the same, and nothing was lost
}

result read(int fd, std::span<const iovec> to, std::int64_t offset) {
  return perform("file read",
                 {.call = ring_call::read,
                  .fd = fd,
                  .data = to.data(),
                  .size = static_cast<std::uint32_t>(to.size()),
                  .offset = offset},
                 [=] { return os::read_vector(fd, to.data(), static_cast<int>(to.size()), offset); });
}
result write(int fd, std::span<const iovec> from, std::int64_t offset) {
  return perform("file write",
                 {.call = ring_call::write,
                  .fd = fd,
                  .data = from.data(),
                  .size = static_cast<std::uint32_t>(from.size()),
                  .flags = no_signal,
                  .offset = offset},
                 [=] { return os::write_vector(fd, from.data(), static_cast<int>(from.size()), offset); });
}
result sync(int fd, bool data_only) {
  return perform("file sync", {.call = ring_call::sync, .fd = fd, .flags = data_only ? 1U : 0U},
                 [=] { return os::sync(fd, data_only); });
}
result status(int fd, const char* path, os::last_link link, struct statx& out) {
  const std::uint32_t of_file = *path == '\0' ? AT_EMPTY_PATH : 0U;
  const std::uint32_t of_link = link == os::last_link::kept ? AT_SYMLINK_NOFOLLOW : 0U;
  return perform("file status",
                 {.call = ring_call::status,
                  .fd = fd,
                  .data = path,
                  .more = &out,
                  .size = STATX_BASIC_STATS,
                  .flags = of_file | of_link},
                 [=, &out] { return os::status(fd, path, link, out); });
}
result rename(const char* from, const char* to) {
  return perform("rename", {.call = ring_call::rename, .data = from, .more = const_cast<char*>(to)},
                 [=] { return os::rename(from, to); });
}
result unlink(const char* path, bool directory) {
  return perform("remove",
                 {.call = ring_call::unlink, .data = path, .flags = directory ? std::uint32_t{AT_REMOVEDIR} : 0U},
                 [=] { return os::unlink(path, directory); });
}
result make_directory(const char* path, unsigned permissions) {
  return perform("create directory", {.call = ring_call::make_directory, .data = path, .size = permissions},
                 [=] { return os::make_directory(path, permissions); });
}

// What rings do not know, or what is asked too rarely to be worth a request of its own.

result resize(int fd, std::int64_t size) {
  return perform("file resize", [=] { return os::resize(fd, size); });
}
result list_directory(int fd, std::span<std::byte> buffer) {
  return perform("list directory", [=] { return os::list_directory(fd, buffer.data(), buffer.size()); });
}
result copy_range(int from, int to, std::size_t size) {
  return perform("file copy", [=] { return os::copy_range(from, to, size); });
}
result set_permissions(int fd, unsigned permissions) {
  return perform("file permissions", [=] { return os::set_permissions(fd, permissions); });
}
result seek(int fd, std::int64_t offset, int whence) {
  return perform("file seek", [=] { return os::seek(fd, offset, whence); });
}
result make_symlink(const char* target, const char* path) {
  return perform("create symlink", [=] { return os::make_symlink(target, path); });
}
result make_link(const char* target, const char* path) {
  return perform("create hard link", [=] { return os::make_link(target, path); });
}
result read_link(const char* path, std::span<char> buffer) {
  return perform("read symlink", [=] { return os::read_link(path, buffer.data(), buffer.size()); });
}

}  // namespace weft::inline v0::detail::file_calls
