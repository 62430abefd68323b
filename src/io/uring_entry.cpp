// Requests in the kernel's form.
#include <sys/socket.h>  // SOCK_NONBLOCK

#include "io/uring_backend.hpp"

namespace weft::inline v0::detail {

// | call   | fd         | data, size | flags         | result         |
// |--------|------------|------------|---------------|----------------|
// | poll   | any        |            | events wanted | events         |
// | recv   | a socket   | buffer     |               | bytes          |
// | accept | a listener |            |               | new descriptor |
void fill_entry(io_uring_sqe& entry, const ring_entry& from) noexcept {
  switch (from.call) {
    case ring_call::poll:
      io_uring_prep_poll_add(&entry, from.fd, from.flags);
      break;
    case ring_call::recv:
      io_uring_prep_recv(&entry, from.fd, from.data, from.size, 0);
      break;
    case ring_call::accept:
      io_uring_prep_accept(&entry, from.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      break;
  }
}

}  // namespace weft::inline v0::detail
