// Reading and writing streams over descriptor operations: once, and whole.
#include "net/socket.hpp"

#include <algorithm>  // min

#include <weft/net/error.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {

std::size_t transfer_nothing(descriptor_handle socket, std::error_code& error) {
  this_fiber::check_stop();
  const descriptor_hold hold(socket);
  error = to_error_code(hold.fd() < 0 ? EBADF : 0);
  return 0;
}

namespace {

struct recv_call {
  std::span<std::byte> into;
  os::result operator()(int fd) const noexcept { return os::recv(fd, into.data(), into.size()); }
  static constexpr ring_call in_ring = ring_call::recv;
  ring_entry entry(int fd) const noexcept {
    constexpr std::size_t most = std::size_t{1} << 30;  // a longer one is cut, as read(2) does at twice that
    return {.call = in_ring,
            .fd = fd,
            .more = into.data(),
            .size = static_cast<std::uint32_t>(std::min(into.size(), most))};
  }
};

}  // namespace

std::size_t read_stream(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, short_read rule,
                        const char* what, std::error_code& error) {
  if (into.empty()) {
    return transfer_nothing(socket, error);
  }
  const os::result r = run_io(socket, direction::read, limit, what, into.size(), rule, recv_call{into});
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

std::size_t write_stream(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                         std::error_code& error) {
  if (from.empty()) {
    return transfer_nothing(socket, error);
  }
  const os::result r = run_io(socket, direction::write, limit, what, 0, short_read::says_nothing,
                              [from](int fd) { return os::send(fd, from.data(), from.size()); });
  error = to_error_code(r.error);
  return r.ok() ? r.count() : 0;
}

// Both hold their direction from the first byte to the last: nobody else's bytes come in between.
std::size_t read_whole(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, const char* what,
                       std::error_code& error) {
  if (into.empty()) {
    return transfer_nothing(socket, error);
  }
  error.clear();
  std::size_t done = 0;
  worker* const here = current_worker();
  descriptor_operation op(socket, direction::read, here);
  while (done < into.size()) {
    check_stop_inline(here);
    const auto rest = into.subspan(done);
    const os::result r = run_operation(op, limit, what, recv_call{rest});
    if (!r.ok() || r.value == 0) {
      error = r.ok() ? make_error_code(net::error::end_of_stream) : to_error_code(r.error);
      return done;
    }
    done += r.count();
    chaos_yield();
    spend_budget_inline(here);
  }
  return done;
}

std::size_t write_whole(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                        std::error_code& error) {
  if (from.empty()) {
    return transfer_nothing(socket, error);
  }
  error.clear();
  std::size_t done = 0;
  worker* const here = current_worker();
  descriptor_operation op(socket, direction::write, here);
  while (done < from.size()) {
    check_stop_inline(here);
    const auto rest = from.subspan(done);
    const os::result r =
        run_operation(op, limit, what, [rest](int fd) { return os::send(fd, rest.data(), rest.size()); });
    if (!r.ok()) {
      error = to_error_code(r.error);
      return done;
    }
    done += r.count();
    chaos_yield();
    spend_budget_inline(here);
  }
  return done;
}

}  // namespace weft::inline v0::detail
