// A connected stream socket, TCP or Unix, for code that does not care which.
#pragma once
#include <system_error>  // error_code
#include <utility>       // move
#include <variant>       // variant, visit

#include <weft/net/tcp_stream.hpp>   // tcp_stream
#include <weft/net/unix_stream.hpp>  // unix_stream

namespace weft::tool {

class any_stream {
 public:
  using socket = weft::detail::stream_socket;  // what both kinds are

  any_stream() noexcept = default;  // no socket
  explicit any_stream(net::unix_stream s) noexcept : socket_(std::move(s)) {}
  // What is written leaves at once: it has been collected by somebody else already.
  explicit any_stream(net::tcp_stream s) noexcept : socket_(std::move(s)) {
    std::error_code ignored;  // a wish; a socket that has failed already will say so when it is used
    std::get<net::tcp_stream>(socket_).set_no_delay(true, ignored);
  }

  socket& operator*() noexcept {
    return std::visit([](auto& s) -> socket& { return s; }, socket_);
  }
  socket* operator->() noexcept { return &**this; }

  // The close that follows says to the peer that the stream was cut, not that it has ended: TCP sends a reset.
  // Unix sockets cannot say so, except by closing with unread input.
  void reset_on_close() noexcept;

 private:
  std::variant<net::tcp_stream, net::unix_stream> socket_;
};

}  // namespace weft::tool
