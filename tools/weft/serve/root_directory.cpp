// Opening below the root: openat2 where there is one, a walk where there is none.
#include "serve/root_directory.hpp"

#include <fcntl.h>          // openat, O_*
#include <linux/openat2.h>  // open_how, RESOLVE_*
#include <sys/syscall.h>    // SYS_openat2
#include <unistd.h>         // syscall

#include <cerrno>        // errno
#include <cstdint>       // uint64_t
#include <new>           // bad_alloc
#include <string_view>   // string_view
#include <system_error>  // system_error

namespace weft::tool {
namespace {

// O_NONBLOCK: opening a FIFO must not wait for its writer. O_NOCTTY: a terminal must not become ours.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr std::uint64_t stay_inside = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

// A descriptor, or minus errno.
int open_beneath(int root, const char* path, std::uint64_t extra) noexcept {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(read_flags);
  how.resolve = stay_inside | extra;
  const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

// A path in motion: the kernel gives EAGAIN when a rename could have hidden an escape, and asks to try again.
int open_beneath_patiently(int root, const char* path) noexcept {
  constexpr int tries = 32;
  int fd = -EAGAIN;
  for (int i = 0; i < tries && (fd == -EAGAIN || fd == -EINTR); ++i) {
    fd = open_beneath(root, path, 0);
  }
  return fd;
}

int open_component(int folder, const std::string& name, int flags) noexcept {
  int fd = -1;
  do {
    fd = ::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

int open_walking(int root, const std::string& path) {
  descriptor held;
  int folder = root;
  std::string_view rest = path;
  for (;;) {
    const auto slash = rest.find('/');
    const std::string name{rest.substr(0, slash)};
    if (name == "..") {
      return -EXDEV;  // parse_target never lets one through; the walk does not rely on it
    }
    if (slash == std::string_view::npos) {
      return open_component(folder, name.empty() ? "." : name, read_flags);
    }
    const int next = open_component(folder, name, O_PATH | O_DIRECTORY);
    if (next < 0) {
      return next;
    }
    held = descriptor{next};
    folder = next;
    rest.remove_prefix(slash + 1);
  }
}

opened_file examine(int fd) noexcept {
  opened_file out;
  if (fd < 0) {
    out.error = -fd;
    return out;
  }
  out.fd = descriptor{fd};
  if (::fstat(fd, &out.st) != 0) {
    out.error = errno;
    out.fd.reset();
  }
  return out;
}

}  // namespace

root_directory::root_directory(const std::string& path, resolver how) : how_(how) {
  root_ = descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root_.valid()) {
    throw std::system_error(errno, std::system_category(), path);
  }
  if (how_ == resolver::walk) {
    return;
  }
  // Probe on the folder itself. Old seccomp profiles answer EPERM instead of ENOSYS to a call they do not know.
  const descriptor probe{open_beneath(root_.get(), ".", 0)};
  if (how_ == resolver::automatic) {
    how_ = probe.valid() ? resolver::beneath : resolver::walk;
  }
  if (how_ == resolver::beneath) {
    const descriptor cached{open_beneath(root_.get(), ".", RESOLVE_CACHED)};
    cached_ = cached.valid();
  }
}

opened_file root_directory::open(const std::string& relative, lane& slow) const {
  const std::string path = relative.empty() ? "." : relative;
  if (cached_) {
    const int fd = open_beneath(root_.get(), path.c_str(), RESOLVE_CACHED);
    if (fd != -EAGAIN) {
      return examine(fd);
    }
  }
  opened_file out;
  const int error = slow.run([&]() noexcept {
    try {
      out = examine(how_ == resolver::beneath ? open_beneath_patiently(root_.get(), path.c_str())
                                              : open_walking(root_.get(), path));
    } catch (const std::bad_alloc&) {
      out.error = ENOMEM;
    }
  });
  if (error != 0) {
    out.error = error;
  }
  return out;
}

}  // namespace weft::tool
