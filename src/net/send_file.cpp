// From a file to a stream: by sendfile(2), or by reading where the system has it not for the file.
#include <algorithm>  // min
#include <cerrno>     // EINVAL, ENOSYS, EINTR
#include <limits>     // numeric_limits
#include <memory>     // unique_ptr

#include "net/socket.hpp"
#include <weft/io/blocking.hpp>
#include <weft/net/stream_socket.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

// What one call may send: it copies, and reads from the disk, while the fibers of its worker wait.
constexpr std::uint64_t longest_piece = 256 * 1024;
constexpr std::size_t copy_size = 64 * 1024;

// A part of a file on its way.
struct file_part {
  int fd;
  std::uint64_t offset;
  std::uint64_t left;
  std::uint64_t done = 0;
  std::size_t piece(std::uint64_t most) const noexcept { return static_cast<std::size_t>(std::min(left, most)); }
  void advance(std::size_t bytes) noexcept {
    offset += bytes;
    left -= bytes;
    done += bytes;
  }
};

// \return an errno, or 0: all is sent, or the file has ended.
int send_directly(descriptor_operation& op, file_part& part, time_limit& limit, const char* what) {
  while (part.left != 0) {
    this_fiber::check_stop();
    const os::result r = run_operation(
        op, limit, what, [&](int to) { return os::send_file(to, part.fd, part.offset, part.piece(longest_piece)); });
    if (!r.ok() || r.value == 0) {
      return r.error;
    }
    part.advance(r.count());
    spend_budget();
  }
  return 0;
}

int send_copies(descriptor_operation& op, file_part& part, time_limit& limit, const char* what) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(copy_size);
  while (part.left != 0) {
    const os::result got = blocking([&] {
      os::result r;
      do {
        r = os::read_at(part.fd, buffer.get(), part.piece(copy_size), part.offset);
      } while (r.error == EINTR);
      return r;
    });
    if (!got.ok() || got.value == 0) {
      return got.error;
    }
    for (std::size_t sent = 0; sent < got.count();) {
      this_fiber::check_stop();
      const os::result r =
          run_operation(op, limit, what, [&](int to) { return os::send(to, buffer.get() + sent, got.count() - sent); });
      if (!r.ok()) {
        return r.error;
      }
      sent += r.count();
      part.advance(r.count());
      spend_budget();
    }
  }
  return 0;
}

}  // namespace

std::uint64_t stream_socket::send_file(int fd, std::uint64_t offset, std::uint64_t count, std::error_code& error) {
  constexpr std::uint64_t longest_file = std::numeric_limits<std::int64_t>::max();
  if (count == 0 || offset > longest_file) {
    transfer_nothing(handle(), error);
    if (!error && count != 0) {
      error = std::make_error_code(std::errc::invalid_argument);
    }
    return 0;
  }
  this_fiber::check_stop();
  time_limit limit(current_timeout_ns());
  file_part part{fd, offset, std::min(count, longest_file - offset)};
  descriptor_operation op(handle(), direction::write);
  int failed = op.error() != 0 ? op.error() : send_directly(op, part, limit, wait_name(true));
  if (failed == EINVAL || failed == ENOSYS) {
    failed = send_copies(op, part, limit, wait_name(true));
  }
  error = to_error_code(failed);
  return part.done;
}
std::uint64_t stream_socket::send_file(int fd, std::uint64_t offset, std::uint64_t count) {
  std::error_code error;
  const std::uint64_t n = send_file(fd, offset, count, error);
  throw_if(error, "send_file");
  return n;
}

}  // namespace weft::inline v0::detail
