// Descriptors that are shared with others and keep their mode.
//
// The call is tried with RWF_NOWAIT, which is O_NONBLOCK for one call. Where it would sleep, the descriptor is waited for as a
// foreign one. Where the kernel cannot try, poll(2) says when the call is worth making, and a thread of the pool makes it.
#include <weft/io/standard_streams.hpp>

#include <algorithm>  // min
#include <cerrno>     // error numbers

#include <sys/stat.h>  // S_ISREG

#include "io/errors.hpp"
#include "io/file_calls.hpp"
#include "io/operation.hpp"  // time_limit
#include <weft/io/wait_descriptor.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0 {
namespace {

using detail::time_limit;
using detail::to_error_code;
using detail::os::result;
namespace os = detail::os;

// What a pipe that is writable takes without sleeping: PIPE_BUF.
constexpr std::size_t surely_taken = 4096;

result try_now(int fd, std::span<std::byte> into) noexcept {
  const iovec part{.iov_base = into.data(), .iov_len = into.size()};
  return os::read_vector(fd, &part, 1, os::current_position, os::sleep::forbidden);
}
result try_now(int fd, std::span<const std::byte> from) noexcept {
  const iovec part{.iov_base = const_cast<std::byte*>(from.data()), .iov_len = from.size()};
  return os::write_vector(fd, &part, 1, os::current_position, os::sleep::forbidden);
}
result on_pool(int fd, std::span<std::byte> into) {
  const iovec part{.iov_base = into.data(), .iov_len = into.size()};
  return detail::file_calls::read(fd, {&part, 1}, os::current_position);
}
result on_pool(int fd, std::span<const std::byte> from) {
  const iovec part{.iov_base = const_cast<std::byte*>(from.data()), .iov_len = std::min(from.size(), surely_taken)};
  return detail::file_calls::write(fd, {&part, 1}, os::current_position);
}

bool is_regular(int fd) noexcept {
  struct statx info {};
  return os::status(fd, "", os::last_link::followed, info).ok() && S_ISREG(info.stx_mode);
}

// Waits until the call may be made without sleeping, and makes it. {-1, EAGAIN}: it is to be tried again.
template <class Byte>
result wait_and_call(int fd, std::span<Byte> part, time_limit& limit, bool can_try) {
  std::error_code error;
  if (!detail::wait_descriptor(fd, std::is_const_v<Byte>, limit.deadline(), error)) {
    return {-1, error ? error.value() : ETIMEDOUT};
  }
  if (can_try && !is_regular(fd)) {  // a file is always ready, and may have to be fetched all the same
    return {-1, EAGAIN};
  }
  const result r = on_pool(fd, part);
  // A descriptor that somebody has made non-blocking, or no thread to be had.
  return r.error == EAGAIN && os::is_blocking(fd).value != 0 ? result{-1, ENOMEM} : r;
}

template <class Byte>
result move_some(int fd, std::span<Byte> part, time_limit& limit) {
  this_fiber::check_stop();
  if (part.empty()) {
    return os::is_blocking(fd).ok() ? result{} : result{-1, EBADF};
  }
  for (;;) {
    result r = try_now(fd, part);
    if (r.error == EINTR) {
      continue;
    }
    if (r.error != EAGAIN && r.error != EOPNOTSUPP) {
      if (r.ok()) {
        detail::spend_budget();
      }
      return r;
    }
    r = wait_and_call(fd, part, limit, r.error == EAGAIN);
    if (r.error != EAGAIN) {
      return r;
    }
  }
}

template <class Byte>
std::size_t move_once(int fd, std::span<Byte> part, std::int64_t timeout_ns, std::error_code& error) {
  time_limit limit(timeout_ns);
  const result r = move_some(fd, part, limit);
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

template <class Byte>
std::size_t move_whole(int fd, std::span<Byte> all, std::int64_t timeout_ns, std::error_code& error) {
  time_limit limit(timeout_ns);
  std::size_t done = 0;
  do {
    const result r = move_some(fd, all.subspan(done), limit);
    error = to_error_code(r.error);
    if (!r.ok()) {
      return done;
    }
    if (r.value == 0 && done < all.size()) {
      error = make_error_code(fs::error::end_of_file);
      return done;
    }
    done += r.count();
  } while (done < all.size());
  return done;
}

}  // namespace

std::size_t input_stream::read_some(std::span<std::byte> into, std::error_code& error) {
  return move_once(fd_, into, timeout_ns_, error);
}
std::size_t input_stream::read_some(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_some(into, error);
  detail::throw_if(error, "standard stream read");
  return n;
}
std::size_t input_stream::read_exactly(std::span<std::byte> into, std::error_code& error) {
  return move_whole(fd_, into, timeout_ns_, error);
}
std::size_t input_stream::read_exactly(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_exactly(into, error);
  detail::throw_if(error, "standard stream read");
  return n;
}

std::size_t output_stream::write_some(std::span<const std::byte> from, std::error_code& error) {
  return move_once(fd_, from, timeout_ns_, error);
}
std::size_t output_stream::write_some(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_some(from, error);
  detail::throw_if(error, "standard stream write");
  return n;
}
std::size_t output_stream::write_all(std::span<const std::byte> from, std::error_code& error) {
  return move_whole(fd_, from, timeout_ns_, error);
}
std::size_t output_stream::write_all(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_all(from, error);
  detail::throw_if(error, "standard stream write");
  return n;
}

}  // namespace weft::inline v0
