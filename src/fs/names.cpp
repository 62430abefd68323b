// Names of files, and directories.
#include <weft/fs/operations.hpp>

#include <cerrno>   // ENOENT, EEXIST, EISDIR
#include <cstring>  // memcpy, strcmp
#include <memory>   // make_unique

#include <dirent.h>  // DT_REG, ...
#include <fcntl.h>   // O_DIRECTORY

#include "fs/info.hpp"
#include "io/errors.hpp"
#include "io/file_calls.hpp"

namespace weft::inline v0::fs {
namespace {

namespace calls = detail::file_calls;
using detail::or_throw;
using detail::to_error_code;
using detail::os::result;

file_type type_of_entry(unsigned char type) noexcept {
  switch (type) {
    case DT_REG:
      return file_type::regular;
    case DT_DIR:
      return file_type::directory;
    case DT_LNK:
      return file_type::symlink;
    case DT_BLK:
      return file_type::block;
    case DT_CHR:
      return file_type::character;
    case DT_FIFO:
      return file_type::fifo;
    case DT_SOCK:
      return file_type::socket;
    default:
      return file_type::unknown;
  }
}

// The kernel's linux_dirent64, which no header of the C library has: inode and offset, 8 bytes each, then these.
constexpr std::size_t at_length = 16, at_type = 18, at_name = 19;

void append_entries(std::span<const std::byte> records, std::vector<directory_entry>& entries) {
  while (!records.empty()) {
    std::uint16_t length = 0;
    std::memcpy(&length, &records[at_length], sizeof length);
    const char* name = reinterpret_cast<const char*>(&records[at_name]);
    if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) {
      entries.push_back({name, type_of_entry(static_cast<unsigned char>(records[at_type]))});
    }
    records = records.subspan(length);
  }
}

file_info status_of(const path& where, detail::os::last_link link, std::error_code& error) {
  struct statx raw {};
  // An empty path would mean the open file AT_FDCWD, the working directory.
  const result r = where.empty() ? result{-1, ENOENT} : calls::status(AT_FDCWD, where.c_str(), link, raw);
  error = to_error_code(r.error);
  return r.ok() ? detail::to_file_info(raw) : file_info{};
}

}  // namespace

void rename(const path& from, const path& to, std::error_code& error) {
  error = to_error_code(calls::rename(from.c_str(), to.c_str()).error);
}
void rename(const path& from, const path& to) {
  or_throw("rename", from, [&](std::error_code& error) { fs::rename(from, to, error); });
}

bool remove(const path& where, std::error_code& error) {
  result r = calls::unlink(where.c_str(), false);
  if (r.error == EISDIR) {
    r = calls::unlink(where.c_str(), true);
  }
  error = to_error_code(r.error == ENOENT ? 0 : r.error);
  return r.ok();
}
bool remove(const path& where) {
  return or_throw("remove", where, [&](std::error_code& error) { return fs::remove(where, error); });
}

file_info stat(const path& where, std::error_code& error) {
  return status_of(where, detail::os::last_link::followed, error);
}
file_info stat(const path& where) {
  return or_throw("stat", where, [&](std::error_code& error) { return fs::stat(where, error); });
}

file_info lstat(const path& where, std::error_code& error) {
  return status_of(where, detail::os::last_link::kept, error);
}
file_info lstat(const path& where) {
  return or_throw("lstat", where, [&](std::error_code& error) { return fs::lstat(where, error); });
}

bool create_directory(const path& where, perms permissions, std::error_code& error) {
  const result r = calls::make_directory(where.c_str(), static_cast<unsigned>(permissions));
  error = to_error_code(r.error);
  if (r.error == EEXIST) {
    std::error_code unknown;
    if (fs::stat(where, unknown).type == file_type::directory) {
      error.clear();
    }
  }
  return r.ok();
}
bool create_directory(const path& where, perms permissions) {
  return or_throw("create directory", where,
                  [&](std::error_code& error) { return fs::create_directory(where, permissions, error); });
}

std::vector<directory_entry> list_directory(const path& where, std::error_code& error) {
  constexpr std::size_t room = 32 * 1024;  // some thousand names for each trip to another thread
  std::vector<directory_entry> entries;
  const result opened = calls::open(where.c_str(), O_RDONLY | O_DIRECTORY, 0);
  error = to_error_code(opened.error);
  if (error) {
    return entries;
  }
  detail::file_handle directory(opened.fd());
  const auto buffer = std::make_unique<std::byte[]>(room);
  for (;;) {
    const result r = calls::list_directory(directory.native(), {buffer.get(), room});
    error = to_error_code(r.error);
    if (error || r.value == 0) {
      break;
    }
    append_entries({buffer.get(), r.count()}, entries);
  }
  if (error) {
    entries.clear();
  }
  return entries;
}
std::vector<directory_entry> list_directory(const path& where) {
  return or_throw("list directory", where, [&](std::error_code& error) { return list_directory(where, error); });
}

}  // namespace weft::inline v0::fs
