// A client's connection, in TLS or without: what serves it does not care which.
#pragma once
#include <chrono>        // milliseconds
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint64_t
#include <memory>        // unique_ptr
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/interop/asio_stream.hpp>  // basic_sync_stream
#include <weft/net/tcp_stream.hpp>       // tcp_stream
#include <weft/task/deadline.hpp>        // with_timeout, timed_out

#include "common/tls_server.hpp"  // tls_layer

namespace weft::tool {

// A socket and what may be around it, as a stream of weft's. Stays where it is once there is something around.
class client_socket {
 public:
  explicit client_socket(net::tcp_stream socket) noexcept : socket_(std::move(socket)) {}

  net::tcp_stream& socket() noexcept { return socket_; }
  tls_layer* secure() noexcept { return secure_.get(); }
  // Null: what is read and written from now on is seen by everybody.
  void put_around(std::unique_ptr<tls_layer> layer) noexcept { secure_ = std::move(layer); }

  std::size_t read_some(std::span<std::byte> into, std::error_code& error) {
    return secure_ ? read_secure(into, error) : socket_.read_some(into, error);
  }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error) {
    return secure_ ? secure_->write_some(from, error) : socket_.write_some(from, error);
  }
  void set_timeout(std::chrono::milliseconds limit) {
    limit_ = limit;
    socket_.set_timeout(limit);
  }
  // Waits, in TLS, for room for the last message.
  void shutdown_write(std::error_code& error) {
    if (secure_) {
      secure_->end_output(error);  // an error, too, is followed by the socket's end, and does not matter beside that
    }
    socket_.shutdown_write(error);
  }

 private:
  // A record has up to 16 KiB, and nothing of it can be read before all of it is there. The socket's limit begins anew with
  // each of its bytes; what has been promised is one for the whole read.
  std::size_t read_secure(std::span<std::byte> into, std::error_code& error) {
    try {
      return weft::with_timeout(limit_, [&] { return secure_->read_some(into, error); });
    } catch (const timed_out&) {
      error = std::make_error_code(std::errc::timed_out);
      return 0;
    }
  }

  net::tcp_stream socket_;
  std::chrono::milliseconds limit_{std::chrono::hours{24}};
  std::unique_ptr<tls_layer> secure_;  // goes before its socket
};

// The same for Beast, and for files that need not come through this process.
class client_stream final : public interop::basic_sync_stream<client_socket> {
 public:
  explicit client_stream(net::tcp_stream socket) noexcept
      : interop::basic_sync_stream<client_socket>(client_socket{std::move(socket)}) {}

  bool can_send_files() noexcept { return next_layer().secure() == nullptr; }
  // As net::tcp_stream::send_file. \pre can_send_files()
  std::uint64_t send_file(int fd, std::uint64_t offset, std::uint64_t count, std::error_code& error) {
    return next_layer().socket().send_file(fd, offset, count, error);
  }
};

}  // namespace weft::tool
