// TLS for the servers of the tool: a certificate and its key from files, which may be read again, and the layer it puts
// around a connection. No type of weft::tls or OpenSSL is seen here: built without, a twin of the source says so.
#pragma once
#include <cstddef>       // byte, size_t
#include <memory>        // unique_ptr
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code

#include <weft/net/tcp_stream.hpp>  // tcp_stream

namespace weft::tool {

// PEM files, as --cert and --key name them; both empty: no TLS.
struct certificate_files {
  std::string chain;  // our certificate first, then the intermediate ones
  std::string key;
};

// One connection's TLS. One fiber at a time; the socket's time limit holds for each of its own operations.
class tls_layer {
 public:
  tls_layer() = default;
  tls_layer(const tls_layer&) = delete;
  tls_layer& operator=(const tls_layer&) = delete;
  virtual ~tls_layer() = default;

  // Before anything else, once. A cancellation point, as all that follow.
  virtual void handshake(std::error_code& error) = 0;
  // At least one byte; 0: the client has said that no more will come. A connection that was cut instead is an error.
  virtual std::size_t read_some(std::span<std::byte> into, std::error_code& error) = 0;
  virtual std::size_t write_some(std::span<const std::byte> from, std::error_code& error) = 0;
  // Tells the client that this is the end, and that nobody has cut it short (close_notify). Again it does nothing.
  virtual void end_output(std::error_code& error) = 0;
};

// Any thread or fiber.
class tls_server {
 public:
  tls_server() = default;
  tls_server(const tls_server&) = delete;
  tls_server& operator=(const tls_server&) = delete;
  virtual ~tls_server() = default;

  // Reads the files, which blocks the thread. \throws failure: what is wrong with which file
  static std::unique_ptr<tls_server> open(const certificate_files& files);

  // Reads them again: connections to come show what is there now, the others go on. \throws failure: all is as before
  virtual void reload() = 0;
  // `socket` stays with its owner, and where it is.
  virtual std::unique_ptr<tls_layer> over(net::tcp_stream& socket) = 0;
};

}  // namespace weft::tool
