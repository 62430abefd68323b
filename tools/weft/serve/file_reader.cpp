// preadv2(RWF_NOWAIT) first; file systems without it are read through the lane, except those that live in memory.
#include "serve/file_reader.hpp"

#include <linux/magic.h>  // TMPFS_MAGIC, RAMFS_MAGIC
#include <sys/uio.h>      // preadv2, RWF_NOWAIT
#include <sys/vfs.h>      // fstatfs
#include <unistd.h>       // pread

#include <cerrno>  // errno

namespace weft::tool {
namespace {

std::int64_t read_plain(int fd, std::span<std::byte> out, std::uint64_t offset) noexcept {
  ssize_t n = 0;
  do {
    n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -static_cast<std::int64_t>(errno) : n;
}

std::int64_t read_cached(int fd, std::span<std::byte> out, std::uint64_t offset) noexcept {
  const iovec part{out.data(), out.size()};
  const ssize_t n = ::preadv2(fd, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  return n < 0 ? -static_cast<std::int64_t>(errno) : n;
}

bool lives_in_memory(int fd) noexcept {
  struct statfs info {};
  return ::fstatfs(fd, &info) == 0 && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

}  // namespace

std::int64_t file_reader::read(std::span<std::byte> out, std::uint64_t offset) {
  if (mode_ == mode::cached_first) {
    const auto n = read_cached(fd_, out, offset);
    if (n > 0) {
      return n;
    }
    // Linux 5.9 and 5.10 may give 0 where they mean EAGAIN: whether this is the end, a read that may wait tells.
    learn_from(n);
  }
  return mode_ == mode::always_direct ? read_plain(fd_, out, offset) : read_slow(out, offset);
}

bool file_reader::is_cached(std::uint64_t offset, std::uint64_t length) {
  for (const auto at : {offset, offset + length - 1}) {
    if (mode_ == mode::cached_first) {
      std::byte one{};
      const auto n = read_cached(fd_, {&one, 1}, at);
      learn_from(n);
      if (n != 1 && mode_ == mode::cached_first) {
        return false;
      }
    }
  }
  return mode_ != mode::always_slow;
}

// From what a read that must not wait has said.
void file_reader::learn_from(std::int64_t n) noexcept {
  if (n < 0 && n != -EAGAIN && n != -EINTR) {  // EOPNOTSUPP, or ENOSYS from an old kernel or filter
    mode_ = lives_in_memory(fd_) ? mode::always_direct : mode::always_slow;
  }
}

std::int64_t file_reader::read_slow(std::span<std::byte> out, std::uint64_t offset) {
  std::int64_t n = 0;
  const int error = slow_.run([&]() noexcept { n = read_plain(fd_, out, offset); });
  return error != 0 ? -static_cast<std::int64_t>(error) : n;
}

}  // namespace weft::tool
