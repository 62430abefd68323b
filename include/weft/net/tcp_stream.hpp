/// \file   weft/net/tcp_stream.hpp
/// \brief  A connected TCP socket that is read and written as if it blocked.
#pragma once
#include <chrono>        // durations
#include <cstdint>       // uint16_t
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>        // WEFT_EXPORT
#include <weft/io/descriptor.hpp>      // descriptor
#include <weft/net/endpoint.hpp>       // endpoint
#include <weft/net/stream_socket.hpp>  // stream_socket
#include <weft/sched/time.hpp>         // deadline_after, steady_deadline

namespace weft::inline v0::net {

struct keep_alive_options {
  std::chrono::seconds idle{60};      ///< silence before the first question
  std::chrono::seconds interval{10};  ///< from one question to the next
  int count = 5;                      ///< unanswered questions that end the connection
};

/// Move-only; the destructor closes. Reading, writing, closing, and what holds for threads, blocking, stop and errors:
/// weft/net/stream_socket.hpp; close(), set_timeout() and the like: weft/net/socket_base.hpp.
class WEFT_EXPORT tcp_stream : public detail::stream_socket {
 public:
  tcp_stream() noexcept
      : stream_socket(detail::socket_kind::tcp_stream) {}  ///< no socket: every operation says bad_file_descriptor
  tcp_stream(tcp_stream&&) noexcept = default;
  tcp_stream& operator=(tcp_stream&&) noexcept = default;

  /// \throws also errc::address_family_not_supported (not an IP endpoint), connection_refused, host_unreachable,
  ///         too_many_files_open, ...
  static tcp_stream connect(const endpoint& to);
  static tcp_stream connect(const endpoint& to, std::error_code& error);
  /// Looks the name up on the blocking pool, then tries its addresses, the families in turn, as RFC 8305 ("Happy Eyeballs")
  /// says: the next one at once when one has failed, or beside it after 250 ms; the first that is connected is taken and
  /// the others are closed. When all fail, what() lists them, and the code is the first's that says more than that a
  /// family is not there. A deadline cannot cut the look-up short.
  /// Cost: beside the look-up a short list from the heap and, when an attempt is not decided at once, an epoll set.
  /// \throws also codes of resolve_category().
  static tcp_stream connect(std::string_view host, std::uint16_t port);
  static tcp_stream connect(std::string_view host, std::uint16_t port, std::error_code& error);
  static tcp_stream connect_until(std::string_view host, std::uint16_t port,
                                  std::chrono::steady_clock::time_point deadline);
  static tcp_stream connect_until(std::string_view host, std::uint16_t port,
                                  std::chrono::steady_clock::time_point deadline, std::error_code& error);
  template <class Rep, class Period>
  static tcp_stream connect_for(std::string_view host, std::uint16_t port, std::chrono::duration<Rep, Period> timeout) {
    return connect_until(host, port, detail::deadline_after(timeout));
  }
  template <class Rep, class Period>
  static tcp_stream connect_for(std::string_view host, std::uint16_t port, std::chrono::duration<Rep, Period> timeout,
                                std::error_code& error) {
    return connect_until(host, port, detail::deadline_after(timeout), error);
  }
  /// As connect(), but gives up with timed_out.
  template <class Rep, class Period>
  static tcp_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout) {
    return connect_until(to, detail::deadline_after(timeout));
  }
  template <class Rep, class Period>
  static tcp_stream connect_for(const endpoint& to, std::chrono::duration<Rep, Period> timeout,
                                std::error_code& error) {
    return connect_until(to, detail::deadline_after(timeout), error);
  }
  static tcp_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline);
  static tcp_stream connect_until(const endpoint& to, std::chrono::steady_clock::time_point deadline,
                                  std::error_code& error);

  /// Takes over a connected stream socket of any family and makes it non-blocking. On failure (errc::not_a_socket,
  /// wrong_protocol_type when it is no stream) the number stays the caller's.
  static tcp_stream from_native(int fd);
  static tcp_stream from_native(int fd, std::error_code& error);

  /// True: small writes are sent at once (TCP_NODELAY).
  void set_no_delay(bool on);
  void set_no_delay(bool on, std::error_code& error) noexcept;

  /// Asks a silent peer for a sign of life, and ends a connection that gives none: operations say timed_out.
  /// \throws also errc::invalid_argument: the system takes 1 to 32767 seconds, and 1 to 127 questions.
  void set_keep_alive(const keep_alive_options& options);
  void set_keep_alive(const keep_alive_options& options, std::error_code& error) noexcept;
  void clear_keep_alive();
  void clear_keep_alive(std::error_code& error) noexcept;

  /// What closing does with data not yet acknowledged. By default the system goes on to send them, and nobody is told how
  /// that ends. Zero: they are dropped and the peer gets connection_reset. More: close() (or the destructor, or the last
  /// operation to leave) waits for them so long. That wait is the system's: it stops the thread, a worker with all its
  /// fibers, so better use shutdown_write() and read until the end of the stream.
  void set_linger(std::chrono::seconds time);
  void set_linger(std::chrono::seconds time, std::error_code& error) noexcept;
  void clear_linger();
  void clear_linger(std::error_code& error) noexcept;

 private:
  friend class tcp_listener;
  tcp_stream(detail::descriptor socket, bool is_tcp) noexcept
      : stream_socket(detail::socket_kind::tcp_stream, std::move(socket), is_tcp) {}
};

}  // namespace weft::inline v0::net
