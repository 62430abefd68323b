// Pipes over descriptor operations.
#include <weft/io/pipe.hpp>

#include <cerrno>  // EBADF

#include "io/errors.hpp"
#include "io/operation.hpp"
#include "io/os_files.hpp"
#include "io/raw_descriptor.hpp"
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0 {
namespace {

using detail::descriptor_handle;
using detail::descriptor_operation;
using detail::direction;
using detail::time_limit;
using detail::to_error_code;
using detail::os::result;

static_assert(detail::no_timeout_ns == time_limit::unlimited);

constexpr const char* reading = "pipe read";
constexpr const char* writing = "pipe write";

result move_once(int fd, std::span<std::byte> into) noexcept {
  const iovec part{.iov_base = into.data(), .iov_len = into.size()};
  return detail::os::read_vector(fd, &part, 1, detail::os::current_position);
}
result move_once(int fd, std::span<const std::byte> from) noexcept {
  const iovec part{.iov_base = const_cast<std::byte*>(from.data()), .iov_len = from.size()};
  return detail::os::write_vector(fd, &part, 1, detail::os::current_position);
}

// Nothing to transfer: neither tried nor waited for. \return 0
std::size_t transfer_nothing(descriptor_handle end, std::error_code& error) {
  this_fiber::check_stop();
  const detail::descriptor_hold hold(end);
  error = to_error_code(hold.fd() < 0 ? EBADF : 0);
  return 0;
}

template <class Byte>
std::size_t transfer_some(descriptor_handle end, direction way, std::int64_t timeout_ns, std::span<Byte> part,
                          std::error_code& error) {
  if (part.empty()) {
    return transfer_nothing(end, error);
  }
  time_limit limit(timeout_ns);
  // A short read says nothing: an edge may have come meanwhile, and a pipe in packet mode holds more.
  const result r = run_io(end, way, limit, way == direction::read ? reading : writing, part.size(),
                          detail::short_read::says_nothing, [part](int fd) { return move_once(fd, part); });
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

// Holds its direction from the first byte to the last.
template <class Byte>
std::size_t transfer_whole(descriptor_handle end, direction way, std::int64_t timeout_ns, std::span<Byte> all,
                           std::error_code& error) {
  if (all.empty()) {
    return transfer_nothing(end, error);
  }
  error.clear();
  time_limit limit(timeout_ns);
  std::size_t done = 0;
  descriptor_operation op(end, way);
  while (done < all.size()) {
    this_fiber::check_stop();
    const auto rest = all.subspan(done);
    const result r = run_operation(op, limit, way == direction::read ? reading : writing,
                                   [rest](int fd) { return move_once(fd, rest); });
    if (!r.ok() || r.value == 0) {
      error = r.ok() ? make_error_code(fs::error::end_of_file) : to_error_code(r.error);
      return done;
    }
    done += r.count();
    detail::spend_budget();
  }
  return done;
}

// \return closed after an error, `fd` is still the caller's then
detail::descriptor take_over(int fd, std::error_code& error) {
  const result r = detail::os::set_nonblocking(fd);
  error = to_error_code(r.error);
  return r.ok() ? detail::descriptor(detail::open_descriptor(fd)) : detail::descriptor();
}

}  // namespace

void detail::pipe_end::close() { throw_if(end_.close(), "pipe close"); }

pipe_reader pipe_reader::from_native(int fd, std::error_code& error) { return pipe_reader(take_over(fd, error)); }
pipe_reader pipe_reader::from_native(int fd) {
  std::error_code error;
  pipe_reader made = from_native(fd, error);
  detail::throw_if(error, "pipe_reader::from_native");
  return made;
}
pipe_writer pipe_writer::from_native(int fd, std::error_code& error) { return pipe_writer(take_over(fd, error)); }
pipe_writer pipe_writer::from_native(int fd) {
  std::error_code error;
  pipe_writer made = from_native(fd, error);
  detail::throw_if(error, "pipe_writer::from_native");
  return made;
}

std::size_t pipe_reader::read_some(std::span<std::byte> into, std::error_code& error) {
  return transfer_some(handle(), direction::read, current_timeout_ns(), into, error);
}
std::size_t pipe_reader::read_some(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_some(into, error);
  detail::throw_if(error, "pipe read");
  return n;
}
std::size_t pipe_reader::read_exactly(std::span<std::byte> into, std::error_code& error) {
  return transfer_whole(handle(), direction::read, current_timeout_ns(), into, error);
}
std::size_t pipe_reader::read_exactly(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_exactly(into, error);
  detail::throw_if(error, "pipe read");
  return n;
}

std::string pipe_reader::read_to_end(std::error_code& error) {
  constexpr std::size_t first_room = 4096;
  std::string all(first_room, '\0');
  std::size_t done = 0;
  while (true) {
    done += read_exactly(std::as_writable_bytes(std::span(all)).subspan(done), error);
    if (error) {
      break;
    }
    all.resize(2 * all.size());
  }
  if (error == fs::error::end_of_file) {
    error.clear();
  }
  all.resize(done);
  return all;
}
std::string pipe_reader::read_to_end() {
  std::error_code error;
  std::string all = read_to_end(error);
  detail::throw_if(error, "pipe read");
  return all;
}

std::size_t pipe_writer::write_some(std::span<const std::byte> from, std::error_code& error) {
  return transfer_some(handle(), direction::write, current_timeout_ns(), from, error);
}
std::size_t pipe_writer::write_some(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_some(from, error);
  detail::throw_if(error, "pipe write");
  return n;
}
std::size_t pipe_writer::write_all(std::span<const std::byte> from, std::error_code& error) {
  return transfer_whole(handle(), direction::write, current_timeout_ns(), from, error);
}
std::size_t pipe_writer::write_all(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_all(from, error);
  detail::throw_if(error, "pipe write");
  return n;
}

pipe::pipe(std::error_code& error) {
  int ends[2] = {-1, -1};
  const result r = detail::os::make_pipe(ends);
  error = to_error_code(r.error);
  if (error) {
    return;
  }
  detail::raw_descriptor read_end(ends[0]);
  detail::raw_descriptor write_end(ends[1]);
  pipe_reader r_end = pipe_reader::from_native(read_end.get(), error);
  if (error) {
    return;
  }
  read_end.release();
  writer = pipe_writer::from_native(write_end.get(), error);
  if (!error) {
    write_end.release();
    reader = std::move(r_end);
  }
}
pipe::pipe() {
  std::error_code error;
  *this = pipe(error);
  detail::throw_if(error, "pipe");
}

}  // namespace weft::inline v0
