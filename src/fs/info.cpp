// From the system's struct statx to file_info.
#include "fs/info.hpp"

#include <chrono>  // seconds, nanoseconds

#include <sys/sysmacros.h>  // makedev

namespace weft::inline v0::detail {
namespace {

fs::file_type type_of(unsigned mode) noexcept {
  using fs::file_type;
  switch (mode & S_IFMT) {
    case S_IFREG:
      return file_type::regular;
    case S_IFDIR:
      return file_type::directory;
    case S_IFLNK:
      return file_type::symlink;
    case S_IFBLK:
      return file_type::block;
    case S_IFCHR:
      return file_type::character;
    case S_IFIFO:
      return file_type::fifo;
    case S_IFSOCK:
      return file_type::socket;
    default:
      return file_type::unknown;
  }
}

}  // namespace

fs::file_info to_file_info(const struct statx& raw) noexcept {
  fs::file_info info;
  info.type = type_of(raw.stx_mode);
  info.permissions = static_cast<fs::perms>(raw.stx_mode & 07777U);
  info.size = raw.stx_size;
  info.links = raw.stx_nlink;
  info.inode = raw.stx_ino;
  info.device = makedev(raw.stx_dev_major, raw.stx_dev_minor);
  info.user = raw.stx_uid;
  info.group = raw.stx_gid;
  info.modified += std::chrono::seconds(raw.stx_mtime.tv_sec) + std::chrono::nanoseconds(raw.stx_mtime.tv_nsec);
  return info;
}

}  // namespace weft::inline v0::detail
