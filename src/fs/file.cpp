// An open file over the file system calls.
#include <weft/fs/file.hpp>

#include <cerrno>  // error numbers
#include <limits>  // numeric_limits
#include <string>  // string

#include <fcntl.h>   // O_RDONLY, ...
#include <unistd.h>  // SEEK_SET, ...

#include "fs/info.hpp"
#include "io/errors.hpp"
#include "io/file_calls.hpp"
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::fs {
namespace {

using detail::os::result;

constexpr std::size_t most_parts = 64;  // of one call; more go with the next

// Walks over the parts of a vector, some bytes at a time.
template <class Byte>
class buffer_cursor {
 public:
  using buffers = std::span<const std::span<Byte>>;
  explicit buffer_cursor(buffers all) noexcept : rest_(all) { skip_empty(); }

  bool at_end() const noexcept { return rest_.empty(); }
  // As many of the next parts as there is room for. \return how many
  std::size_t next(std::span<iovec> room) const noexcept {
    std::size_t n = 0;
    for (std::size_t part = 0; part < rest_.size() && n < room.size(); ++part) {
      const auto bytes = part == 0 ? rest_[0].subspan(into_first_) : rest_[part];
      if (!bytes.empty()) {
        room[n++] = {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
      }
    }
    return n;
  }
  void advance(std::size_t bytes) noexcept {
    into_first_ += bytes;
    skip_empty();
  }

 private:
  void skip_empty() noexcept {
    while (!rest_.empty() && into_first_ >= rest_[0].size()) {
      into_first_ -= rest_[0].size();
      rest_ = rest_.subspan(1);
    }
  }
  buffers rest_;
  std::size_t into_first_ = 0;
};

result move_parts(int fd, const buffer_cursor<std::byte>& at, std::int64_t offset) {
  iovec parts[most_parts];
  return detail::file_calls::read(fd, {parts, at.next(parts)}, offset);
}
result move_parts(int fd, const buffer_cursor<const std::byte>& at, std::int64_t offset) {
  iovec parts[most_parts];
  return detail::file_calls::write(fd, {parts, at.next(parts)}, offset);
}

// What the system is given for the `here` of the class, which is out of its range otherwise.
std::int64_t system_offset(std::uint64_t offset, int& error) noexcept {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (offset > most && offset != ~std::uint64_t{0}) {
    error = EINVAL;
  }
  return static_cast<std::int64_t>(offset);
}
static_assert(static_cast<std::int64_t>(~std::uint64_t{0}) == detail::os::current_position);

template <class Byte>
std::size_t once(detail::file_handle& file, std::span<const std::span<Byte>> parts, std::uint64_t offset,
                 std::error_code& error) {
  this_fiber::check_stop();
  const detail::file_use use(file);
  const buffer_cursor<Byte> at(parts);
  int failed = use.fd() < 0 ? EBADF : 0;
  const std::int64_t from = system_offset(offset, failed);
  result r;
  if (failed == 0 && !at.at_end()) {
    r = move_parts(use.fd(), at, from);
    failed = r.error;
  }
  error = detail::to_error_code(failed);
  return failed == 0 ? r.count() : 0;
}

template <class Byte>
std::size_t whole(detail::file_handle& file, std::span<const std::span<Byte>> parts, std::uint64_t offset,
                  std::error_code& error) {
  this_fiber::check_stop();
  const detail::file_use use(file);
  int failed = use.fd() < 0 ? EBADF : 0;
  std::int64_t from = system_offset(offset, failed);
  error = detail::to_error_code(failed);
  std::size_t done = 0;
  for (buffer_cursor<Byte> at(parts); !error && !at.at_end();) {
    const result r = move_parts(use.fd(), at, from);
    if (!r.ok()) {
      error = detail::to_error_code(r.error);
    } else if (r.value == 0) {  // a write that takes nothing is none of POSIX's, and must not go on for ever
      error =
          std::is_const_v<Byte> ? std::make_error_code(std::errc::io_error) : make_error_code(fs::error::end_of_file);
    } else {
      done += r.count();
      at.advance(r.count());
      from += from == detail::os::current_position ? 0 : r.value;
    }
  }
  return done;
}

int open_flags(const open_options& options) noexcept {
  constexpr int ways[] = {O_RDONLY, O_WRONLY, O_RDWR};
  return ways[static_cast<unsigned>(options.access)] | (options.create ? O_CREAT : 0) |
         (options.exclusive ? O_EXCL : 0) | (options.truncate ? O_TRUNC : 0) | (options.append ? O_APPEND : 0) |
         (options.sync ? O_SYNC : 0);
}

// One call on the open file, call(fd) -> result.
template <class Call>
void use_file(detail::file_handle& file, std::error_code& error, Call&& call) {
  this_fiber::check_stop();
  const detail::file_use use(file);
  error = detail::to_error_code(use.fd() < 0 ? EBADF : call(use.fd()).error);
}

}  // namespace

file file::open(const path& where, const open_options& options, std::error_code& error) {
  const result r =
      detail::file_calls::open(where.c_str(), open_flags(options), static_cast<unsigned>(options.permissions));
  error = detail::to_error_code(r.error);
  return r.ok() ? file(r.fd()) : file();
}
file file::open(const path& where, const open_options& options) {
  std::error_code error;
  file made = open(where, options, error);
  detail::throw_if(error, "open", where);
  return made;
}
file file::from_native(int fd) noexcept { return fd < 0 ? file() : file(fd); }

std::size_t file::read_once(mutable_buffers into, std::uint64_t offset, std::error_code& error) {
  return once(handle_, into, offset, error);
}
std::size_t file::read_once(mutable_buffers into, std::uint64_t offset) {
  std::error_code error;
  const std::size_t n = read_once(into, offset, error);
  detail::throw_if(error, "file read");
  return n;
}
std::size_t file::read_whole(mutable_buffers into, std::uint64_t offset, std::error_code& error) {
  return whole(handle_, into, offset, error);
}
std::size_t file::read_whole(mutable_buffers into, std::uint64_t offset) {
  std::error_code error;
  const std::size_t n = read_whole(into, offset, error);
  detail::throw_if(error, "file read");
  return n;
}
std::size_t file::write_once(const_buffers from, std::uint64_t offset, std::error_code& error) {
  return once(handle_, from, offset, error);
}
std::size_t file::write_once(const_buffers from, std::uint64_t offset) {
  std::error_code error;
  const std::size_t n = write_once(from, offset, error);
  detail::throw_if(error, "file write");
  return n;
}
std::size_t file::write_whole(const_buffers from, std::uint64_t offset, std::error_code& error) {
  return whole(handle_, from, offset, error);
}
std::size_t file::write_whole(const_buffers from, std::uint64_t offset) {
  std::error_code error;
  const std::size_t n = write_whole(from, offset, error);
  detail::throw_if(error, "file write");
  return n;
}

void file::sync(std::error_code& error) {
  use_file(handle_, error, [](int fd) { return detail::file_calls::sync(fd, false); });
}
void file::sync() {
  std::error_code error;
  sync(error);
  detail::throw_if(error, "file sync");
}
void file::sync_data(std::error_code& error) {
  use_file(handle_, error, [](int fd) { return detail::file_calls::sync(fd, true); });
}
void file::sync_data() {
  std::error_code error;
  sync_data(error);
  detail::throw_if(error, "file sync");
}

file_info file::stat(std::error_code& error) {
  struct statx raw {};
  use_file(handle_, error,
           [&raw](int fd) { return detail::file_calls::status(fd, "", detail::os::last_link::followed, raw); });
  return error ? file_info{} : detail::to_file_info(raw);
}
file_info file::stat() {
  std::error_code error;
  const file_info info = stat(error);
  detail::throw_if(error, "file stat");
  return info;
}

std::uint64_t file::seek(std::int64_t offset, seek_from base, std::error_code& error) {
  constexpr int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  std::uint64_t position = 0;
  use_file(handle_, error, [&](int fd) {
    const result r = detail::file_calls::seek(fd, offset, whence[static_cast<unsigned>(base)]);
    position = r.ok() ? static_cast<std::uint64_t>(r.value) : 0;
    return r;
  });
  return position;
}
std::uint64_t file::seek(std::int64_t offset, seek_from base) {
  std::error_code error;
  const std::uint64_t position = seek(offset, base, error);
  detail::throw_if(error, "file seek");
  return position;
}

void file::resize(std::uint64_t size, std::error_code& error) {
  use_file(handle_, error, [size](int fd) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return size > most ? result{-1, EFBIG} : detail::file_calls::resize(fd, static_cast<std::int64_t>(size));
  });
}
void file::resize(std::uint64_t size) {
  std::error_code error;
  resize(size, error);
  detail::throw_if(error, "file resize");
}

void file::set_permissions(perms permissions, std::error_code& error) {
  use_file(handle_, error, [permissions](int fd) {
    return detail::file_calls::set_permissions(fd, static_cast<unsigned>(permissions));
  });
}
void file::set_permissions(perms permissions) {
  std::error_code error;
  set_permissions(permissions, error);
  detail::throw_if(error, "file permissions");
}

void file::close() { detail::throw_if(handle_.close(), "file close"); }

}  // namespace weft::inline v0::fs
