// Requests in the kernel's form.
#include <fcntl.h>       // AT_FDCWD, AT_REMOVEDIR
#include <sys/socket.h>  // SOCK_NONBLOCK
#include <sys/stat.h>    // statx
#include <sys/uio.h>     // iovec

#include "io/uring_backend.hpp"

namespace weft::inline v0::detail {
namespace {

const char* path_of(const ring_entry& from) noexcept { return static_cast<const char*>(from.data); }
const iovec* vector_of(const ring_entry& from) noexcept { return static_cast<const iovec*>(from.data); }

void fill_named(io_uring_sqe& entry, const ring_entry& from) noexcept {
  switch (from.call) {
    case ring_call::open:
      io_uring_prep_openat(&entry, AT_FDCWD, path_of(from), static_cast<int>(from.flags), from.size);
      break;
    case ring_call::rename:
      io_uring_prep_renameat(&entry, AT_FDCWD, path_of(from), AT_FDCWD, static_cast<const char*>(from.more), 0);
      break;
    case ring_call::unlink:
      io_uring_prep_unlinkat(&entry, AT_FDCWD, path_of(from), static_cast<int>(from.flags));
      break;
    default:
      io_uring_prep_mkdirat(&entry, AT_FDCWD, path_of(from), from.size);
      break;
  }
}

}  // namespace

// | call           | fd         | data   | more    | size        | flags         | offset | result         |
// |----------------|------------|--------|---------|-------------|---------------|--------|----------------|
// | poll           | any        |        |         |             | events wanted |        | events         |
// | recv           | a socket   | buffer |         | bytes       |               |        | bytes          |
// | accept         | a listener |        |         |             |               |        | new descriptor |
// | read, write    | a file     | iovecs |         | their count | RWF_*         | yes    | bytes          |
// | sync           | a file     |        |         |             | 1: data only  |        |                |
// | status         | a file     | path   | statx   | mask        | AT_*          |        |                |
// | open           |            | path   |         | permissions | O_*           |        | new descriptor |
// | close          | any        |        |         |             |               |        |                |
// | rename         |            | path   | path to |             |               |        |                |
// | unlink         |            | path   |         |             | AT_REMOVEDIR  |        |                |
// | make_directory |            | path   |         | permissions |               |        |                |
void fill_entry(io_uring_sqe& entry, const ring_entry& from) noexcept {
  switch (from.call) {
    case ring_call::poll:
      io_uring_prep_poll_add(&entry, from.fd, from.flags);
      break;
    case ring_call::recv:
      io_uring_prep_recv(&entry, from.fd, from.more, from.size, 0);
      break;
    case ring_call::accept:
      io_uring_prep_accept(&entry, from.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      break;
    case ring_call::read:
      io_uring_prep_readv(&entry, from.fd, vector_of(from), from.size, static_cast<std::uint64_t>(from.offset));
      break;
    case ring_call::write:
      io_uring_prep_writev2(&entry, from.fd, vector_of(from), from.size, static_cast<std::uint64_t>(from.offset),
                            static_cast<int>(from.flags));
      break;
    case ring_call::sync:
      io_uring_prep_fsync(&entry, from.fd, from.flags != 0 ? IORING_FSYNC_DATASYNC : 0);
      break;
    case ring_call::status:
      io_uring_prep_statx(&entry, from.fd, path_of(from), static_cast<int>(from.flags), from.size,
                          static_cast<struct statx*>(from.more));
      break;
    case ring_call::close:
      io_uring_prep_close(&entry, from.fd);
      break;
    default:
      fill_named(entry, from);
      break;
  }
}

}  // namespace weft::inline v0::detail
