/// \file   weft/net/unix_stream.hpp
/// \brief  A connected Unix stream socket that is read and written as if it blocked.
#pragma once
#include <chrono>        // durations
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>           // WEFT_EXPORT
#include <weft/io/descriptor.hpp>         // descriptor
#include <weft/net/endpoint.hpp>          // endpoint
#include <weft/net/owned_descriptor.hpp>  // owned_descriptor, received_descriptors
#include <weft/net/stream_socket.hpp>     // stream_socket
#include <weft/sched/time.hpp>            // deadline_after

namespace weft::inline v0::net {

/// Move-only; the destructor closes. Reading, writing, closing, and what holds for threads, blocking, stop and errors:
/// weft/net/stream_socket.hpp; close(), set_timeout() and the like: weft/net/socket_base.hpp.
class WEFT_EXPORT unix_stream : public detail::stream_socket {
 public:
  /// No socket: every operation says bad_file_descriptor.
  unix_stream() noexcept : stream_socket(detail::socket_kind::unix_stream) {}
  unix_stream(unix_stream&&) noexcept = default;
  unix_stream& operator=(unix_stream&&) noexcept = default;

  /// To endpoint::parse("unix:/path") or "unix:@abstract". While the listener's backlog is full it waits: the system does
  /// not tell when there is room, so it asks again after 1 ms, then ever longer, up to 32 ms.
  /// \throws also errc::address_family_not_supported (not a Unix name), no_such_file_or_directory, connection_refused
  ///         (nobody listens), permission_denied, too_many_files_open, ...
  static unix_stream connect(const endpoint& to);
  static unix_stream connect(const endpoint& to, std::error_code& error);
  /// As connect(), but gives up with timed_out.
  template <class Rep, class Period>
  static unix_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout) {
    return connect_until(to, detail::deadline_after(timeout));
  }
  template <class Rep, class Period>
  static unix_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout,
                                 std::error_code& error) {
    return connect_until(to, detail::deadline_after(timeout), error);
  }
  static unix_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline);
  static unix_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline,
                                   std::error_code& error);

  /// As write_all(), and with the first byte go duplicates of the descriptors, 253 at most; the caller's stay open and its
  /// own. invalid_argument: more than that, or no data, which must be there for them; bad_file_descriptor also when one of
  /// them is not open; too many under way in the system: as the system says.
  void send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data);
  std::size_t send_descriptors(std::span<const int> descriptors, std::span<const std::byte> data,
                               std::error_code& error);
  /// As read_some(), and takes the descriptors that came with the bytes, close-on-exec; those without an owner to take them
  /// are closed. One call takes those of one send only; all other reads close what comes with their bytes.
  received_descriptors receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners);
  received_descriptors receive_descriptors(std::span<std::byte> into, std::span<owned_descriptor> owners,
                                           std::error_code& error);

  /// Takes over a connected Unix stream socket, as of socketpair(2), and makes it non-blocking. On failure
  /// (errc::not_a_socket, address_family_not_supported, wrong_protocol_type when it is no stream) the number stays the
  /// caller's.
  static unix_stream from_native(int fd);
  static unix_stream from_native(int fd, std::error_code& error);

 private:
  friend class unix_listener;
  explicit unix_stream(detail::descriptor socket) noexcept
      : stream_socket(detail::socket_kind::unix_stream, std::move(socket), false) {}
};

}  // namespace weft::inline v0::net
