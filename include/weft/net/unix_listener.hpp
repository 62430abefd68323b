/// \file   weft/net/unix_listener.hpp
/// \brief  A listening Unix stream socket.
#pragma once
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/base/config.hpp>      // WEFT_EXPORT
#include <weft/io/descriptor.hpp>    // descriptor
#include <weft/net/endpoint.hpp>     // endpoint
#include <weft/net/socket_base.hpp>  // socket_base
#include <weft/net/unix_stream.hpp>  // unix_stream

namespace weft::inline v0::net {

struct unix_listen_options {
  int backlog = 4096;  ///< connections waiting to be accepted; the system may cut it (net.core.somaxconn)
};

/// Move-only; the destructor closes. Blocking, stop and errors as for unix_stream; set_timeout() bounds one accept().
/// Threads: any number of fibers and threads may accept at the same time; one connection wakes one of them (and that one,
///          when it has accepted, lets the next look). Moving, destroying and set_timeout() need the object for themselves.
class WEFT_EXPORT unix_listener : public detail::socket_base {
 public:
  /// No socket: every operation says bad_file_descriptor.
  unix_listener() noexcept : socket_base(detail::socket_kind::unix_listener) {}
  unix_listener(unix_listener&&) noexcept = default;
  unix_listener& operator=(unix_listener&&) noexcept = default;

  /// Binds and listens. Makes the file of a path, with the process's umask; neither close() nor the destructor removes it,
  /// and as long as it is there the path is errc::address_in_use, whether anybody listens or not. Abstract names leave
  /// nothing behind. Never suspends.
  /// \throws also errc::address_family_not_supported (not a Unix name), no_such_file_or_directory, permission_denied, ...
  static unix_listener bind(const endpoint& at, const unix_listen_options& options = {});
  static unix_listener bind(const endpoint& at, std::error_code& error);
  static unix_listener bind(const endpoint& at, const unix_listen_options& options, std::error_code& error);

  /// The next connection. A full descriptor table (too_many_files_open) is reported; the connection stays in the backlog,
  /// so a caller that tries again should first wait for descriptors to be closed.
  unix_stream accept();
  unix_stream accept(std::error_code& error);

 private:
  explicit unix_listener(detail::descriptor socket) noexcept
      : socket_base(detail::socket_kind::unix_listener, std::move(socket)) {}
};

}  // namespace weft::inline v0::net
