// What the socket classes share: connecting, accepting, and whole transfers, over descriptor operations.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code, system_error

#include "io/errors.hpp"
#include "io/operation.hpp"
#include "io/os.hpp"
#include "io/raw_descriptor.hpp"
#include <weft/io/descriptor.hpp>
#include <weft/net/endpoint.hpp>

namespace weft::inline v0::detail {

inline void throw_if(const std::error_code& error, const char* what, const net::endpoint& where) {
  if (error) {
    throw std::system_error(error, std::string(what) + " " + where.to_string());
  }
}

// Address of this end, or of the other.
enum class end : bool { local, remote };
net::endpoint socket_name(descriptor_handle socket, end which, std::error_code& error) noexcept;

// An integer option of an open socket.
std::error_code set_socket_option(descriptor_handle socket, int level, int name, int value) noexcept;
// Seconds of zero: closing ends the connection by a reset.
std::error_code set_socket_linger(descriptor_handle socket, bool on, int seconds) noexcept;
std::error_code shutdown_socket_read(descriptor_handle socket) noexcept;
std::error_code shutdown_socket_write(descriptor_handle socket) noexcept;

// Whether a connection attempt has been decided: 0 connected, EINPROGRESS not yet, else why it failed.
int connection_state(int fd) noexcept;

// A connected stream socket. Cancellation point.
descriptor connect_stream(const net::endpoint& to, time_limit& limit, const char* what, std::error_code& error);

// How a socket takes its address.
struct binding {
  bool reuse_address = false;
  bool reuse_port = false;
  bool ipv6_only = false;  // of an IPv6 address only
};
// Sets the options and binds. \return an errno, or 0
int bind_socket(int fd, const net::endpoint& at, const binding& how) noexcept;

// A listening stream socket.
struct listening {
  int backlog = 0;
  binding address = {};
};
descriptor listen_stream(const net::endpoint& at, const listening& how, std::error_code& error);

// The next connection of a listener; those that died in its backlog are skipped. Cancellation point.
descriptor accept_stream(descriptor_handle listener, time_limit& limit, const char* what, std::error_code& error);

// Makes a socket of anybody's, of the type SOCK_..., ours and non-blocking; on failure it stays theirs.
descriptor take_over_socket(int fd, int type, sharing shared, std::error_code& error);

// Nothing to transfer: neither tried nor waited for. A cancellation point all the same. \return 0
std::size_t transfer_nothing(descriptor_handle socket, std::error_code& error);

// One read or write; how much of a whole transfer was done. Cancellation points. `rule` says what a short read means.
std::size_t read_stream(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, short_read rule,
                        const char* what, std::error_code& error);
std::size_t write_stream(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                         std::error_code& error);
std::size_t read_whole(descriptor_handle socket, std::span<std::byte> into, time_limit& limit, const char* what,
                       std::error_code& error);
std::size_t write_whole(descriptor_handle socket, std::span<const std::byte> from, time_limit& limit, const char* what,
                        std::error_code& error);

}  // namespace weft::inline v0::detail
