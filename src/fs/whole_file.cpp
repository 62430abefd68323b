// Whole contents: read, written in place, replaced at one stroke, copied.
#include <weft/fs/operations.hpp>

#include <algorithm>  // max, min
#include <array>      // array
#include <cerrno>     // error numbers
#include <memory>     // make_unique
#include <random>     // random_device

#include <fcntl.h>  // O_DIRECTORY

#include "fs/info.hpp"
#include "io/errors.hpp"
#include "io/file_calls.hpp"
#include <weft/sched/this_fiber.hpp>  // cancel_shield

namespace weft::inline v0::fs {
namespace {

namespace calls = detail::file_calls;
using detail::or_throw;

constexpr std::size_t copy_step = 64 * 1024;               // a read and a write of the copy through memory
constexpr std::size_t kernel_copy_step = 4 * 1024 * 1024;  // a stop waits for one: some milliseconds of a slow disk

// Removes a file again unless it was kept, whatever ends the scope.
class made_file {
 public:
  made_file() noexcept = default;
  explicit made_file(path where) : where_(std::move(where)) {}
  ~made_file() {
    if (!where_.empty()) {
      const cancel_shield whole;
      calls::unlink(where_.c_str(), false);  // an error would hide the one that led here
    }
  }
  made_file(const made_file&) = delete;
  made_file& operator=(const made_file&) = delete;
  void keep() noexcept { where_.clear(); }

 private:
  path where_;
};

std::string random_suffix() {
  constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
  const auto source = std::make_unique<std::random_device>();  // 5 KB, which are too many for a fiber's stack
  const std::uint64_t bits = (std::uint64_t{(*source)()} << 32) | (*source)();
  std::string text;
  for (unsigned shift = 0; shift < 60; shift += 5) {
    text += digits[(bits >> shift) & 31];
  }
  return text;
}

// A new file beside `where`. The name is kept short enough for any file system.
file open_beside(const path& where, path& name, std::error_code& error) {
  constexpr std::size_t most_of_name = 200;
  for (int tries = 0; tries < 100; ++tries) {
    name = where.parent_path() / ("." + where.filename().string().substr(0, most_of_name) + "." + random_suffix());
    file made = file::open(name, {.access = access::write, .create = true, .exclusive = true}, error);
    if (error != std::errc::file_exists) {
      return made;
    }
  }
  return {};
}

// The name of a file survives a crash when its directory is on the device.
void sync_directory_of(const path& where, std::error_code& error) {
  const path parent = where.has_parent_path() ? where.parent_path() : path(".");
  file directory = file::open(parent, error);
  if (!error) {
    directory.sync(error);
  }
}

// False: the kernel cannot copy between these files, and has copied nothing.
bool copy_in_kernel(file& from, file& to, std::uint64_t& done, std::error_code& error) {
  for (;;) {
    const detail::os::result r = calls::copy_range(from.native_handle(), to.native_handle(), kernel_copy_step);
    if (!r.ok()) {
      const int e = r.error;
      const bool cannot = e == EXDEV || e == EINVAL || e == ENOSYS || e == EOPNOTSUPP || e == EPERM || e == ETXTBSY;
      error = detail::to_error_code(r.error);
      return done != 0 || !cannot;
    }
    if (r.value == 0) {
      return done != 0;  // files of /proc say so at once, though reading them gives something
    }
    done += r.count();
  }
}

void copy_through_memory(file& from, file& to, std::uint64_t& done, std::error_code& error) {
  const auto buffer = std::make_unique<std::byte[]>(copy_step);
  for (;;) {
    const std::size_t n = from.read_some(std::span(buffer.get(), copy_step), error);
    if (error || n == 0) {
      return;
    }
    done += to.write_all(std::span<const std::byte>(buffer.get(), n), error);
    if (error) {
      return;
    }
  }
}

// The target of a copy, empty. `made`: removes it again when it was made here.
file open_target(const path& to, if_exists target, const file_info& source, bool& fresh, std::error_code& error) {
  open_options options{.access = access::write, .create = true, .exclusive = true, .permissions = source.permissions};
  file made = file::open(to, options, error);
  fresh = !error;
  if (error != std::errc::file_exists || target == if_exists::fail) {
    return made;
  }
  options.exclusive = false;
  made = file::open(to, options, error);
  if (error) {
    return made;
  }
  const file_info there = made.stat(error);
  if (!error && there.device == source.device && there.inode == source.inode) {
    error = std::make_error_code(std::errc::file_exists);  // truncating it would lose the source
  }
  if (!error) {
    made.resize(0, error);
  }
  return made;
}

}  // namespace

std::string read_file(const path& where, std::error_code& error) {
  std::string data;
  file source = file::open(where, error);
  if (error) {
    return data;
  }
  const file_info info = source.stat(error);
  // One byte more than there should be: the read that fills less tells the end without another.
  std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(info.size, data.max_size() - 1)) + 1;
  std::size_t done = 0;
  while (!error) {
    data.resize(std::max(room, std::size_t{4096}));
    const std::size_t n = source.read_some(std::as_writable_bytes(std::span(data)).subspan(done), error);
    done += n;
    if (n == 0 || (done < data.size() && done == info.size)) {
      break;
    }
    room = done == data.size() ? 2 * done : data.size();
  }
  data.resize(error ? 0 : done);
  return data;
}
std::string read_file(const path& where) {
  return or_throw("read", where, [&](std::error_code& error) { return read_file(where, error); });
}

void write_file(const path& where, std::span<const std::byte> data, std::error_code& error) {
  file target = file::open(where, {.access = access::write, .create = true, .truncate = true}, error);
  if (!error) {
    target.write_all(data, error);
  }
  if (!error) {
    target.close(error);
  }
}
void write_file(const path& where, std::span<const std::byte> data) {
  or_throw("write", where, [&](std::error_code& error) { write_file(where, data, error); });
}
void write_file(const path& where, std::string_view data, std::error_code& error) {
  write_file(where, std::as_bytes(std::span(data)), error);
}
void write_file(const path& where, std::string_view data) { write_file(where, std::as_bytes(std::span(data))); }

void replace_file(const path& where, std::span<const std::byte> data, std::error_code& error) {
  const file_info old = fs::stat(where, error);
  const bool existed = !error;
  if (error && error != std::errc::no_such_file_or_directory) {
    return;
  }
  path name;
  file fresh = open_beside(where, name, error);
  if (error) {
    return;
  }
  made_file guard(name);
  if (existed) {
    fresh.set_permissions(old.permissions, error);
  }
  if (!error) {
    fresh.write_all(data, error);
  }
  if (!error) {
    fresh.sync(error);
  }
  if (!error) {
    fresh.close(error);
  }
  if (!error) {
    fs::rename(name, where, error);
  }
  if (!error) {
    guard.keep();
    sync_directory_of(where, error);
  }
}
void replace_file(const path& where, std::span<const std::byte> data) {
  or_throw("replace", where, [&](std::error_code& error) { replace_file(where, data, error); });
}
void replace_file(const path& where, std::string_view data, std::error_code& error) {
  replace_file(where, std::as_bytes(std::span(data)), error);
}
void replace_file(const path& where, std::string_view data) { replace_file(where, std::as_bytes(std::span(data))); }

std::uint64_t copy_file(const path& from, const path& to, if_exists target, std::error_code& error) {
  file source = file::open(from, error);
  if (error) {
    return 0;
  }
  const file_info info = source.stat(error);
  if (error) {
    return 0;
  }
  bool fresh = false;
  file copy = open_target(to, target, info, fresh, error);
  made_file guard(fresh ? to : path());
  std::uint64_t done = 0;
  if (!error && !copy_in_kernel(source, copy, done, error)) {
    copy_through_memory(source, copy, done, error);
  }
  if (!error) {
    copy.set_permissions(info.permissions, error);  // those at opening were less the umask
  }
  if (!error) {
    copy.close(error);
  }
  if (!error) {
    guard.keep();
  }
  return done;
}
std::uint64_t copy_file(const path& from, const path& to, if_exists target) {
  return or_throw("copy", from, [&](std::error_code& error) { return fs::copy_file(from, to, target, error); });
}

}  // namespace weft::inline v0::fs
