// Reading into and writing from several buffers by one system call.
#include <algorithm>  // min

#include "net/datagram.hpp"
#include <weft/net/stream_socket.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

// Buffers that one system call is given; more make further calls. Linux takes 1024, the stack is a fiber's.
constexpr std::size_t most_parts = 64;

// Where in a row of buffers a transfer has come to. Those without bytes are passed over.
template <class Byte>
class buffer_row {
 public:
  explicit buffer_row(std::span<const std::span<Byte>> buffers) noexcept : buffers_(buffers) { skip_empty(); }
  bool done() const noexcept { return next_ == buffers_.size(); }

  // What is left, as far as it fits. \return how many bytes that is
  std::size_t fill(msghdr& message, iovec (&parts)[most_parts]) const noexcept {
    std::size_t bytes = 0, used = 0;
    for (std::size_t i = next_; i < buffers_.size() && used < most_parts; ++i) {
      const auto rest = buffers_[i].subspan(i == next_ ? begun_ : 0);
      if (!rest.empty()) {
        parts[used++] = to_iovec(rest);
        bytes += rest.size();
      }
    }
    message = {};
    message.msg_iov = parts;
    message.msg_iovlen = used;
    return bytes;
  }

  void advance(std::size_t bytes) noexcept {
    while (bytes != 0) {
      const std::size_t step = std::min(bytes, buffers_[next_].size() - begun_);
      begun_ += step;
      bytes -= step;
      skip_empty();
    }
  }

 private:
  void skip_empty() noexcept {
    while (next_ < buffers_.size() && begun_ == buffers_[next_].size()) {
      ++next_;
      begun_ = 0;
    }
  }
  std::span<const std::span<Byte>> buffers_;
  std::size_t next_ = 0;   // the buffer it is in
  std::size_t begun_ = 0;  // what is done of that
};

}  // namespace

std::size_t stream_socket::read_row(std::span<const std::span<std::byte>> into, std::error_code& error) {
  const buffer_row row(into);
  if (row.done()) {
    return transfer_nothing(handle(), error);
  }
  time_limit limit(current_timeout_ns());
  const short_read rule = short_is_last_ ? short_read::means_empty : short_read::says_nothing;
  iovec parts[most_parts];
  msghdr message;
  const std::size_t asked = row.fill(message, parts);
  const os::result r = run_io(handle(), direction::read, limit, wait_name(false), asked, rule,
                              [&](int fd) { return os::receive_message(fd, message); });
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}
std::size_t stream_socket::read_row(std::span<const std::span<std::byte>> into) {
  std::error_code error;
  const std::size_t n = read_row(into, error);
  throw_if(error, "read_some");
  return n;
}

std::size_t stream_socket::write_row(std::span<const std::span<const std::byte>> from, std::error_code& error) {
  buffer_row row(from);
  if (row.done()) {
    return transfer_nothing(handle(), error);
  }
  time_limit limit(current_timeout_ns());
  error.clear();
  std::size_t done = 0;
  descriptor_operation op(handle(), direction::write);
  while (!row.done()) {
    this_fiber::check_stop();
    iovec parts[most_parts];
    msghdr message;
    row.fill(message, parts);
    const os::result r =
        run_operation(op, limit, wait_name(true), [&](int fd) { return os::send_message(fd, message); });
    if (!r.ok()) {
      error = to_error_code(r.error);
      return done;
    }
    row.advance(r.count());
    done += r.count();
    spend_budget();
  }
  return done;
}
void stream_socket::write_row(std::span<const std::span<const std::byte>> from) {
  std::error_code error;
  write_row(from, error);
  throw_if(error, "write_all");
}

}  // namespace weft::inline v0::detail
