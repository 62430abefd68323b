// A listening socket, TCP or Unix, bound to what somebody typed, with an explanation when that does not work.
#pragma once
#include <string>        // string
#include <system_error>  // error_code
#include <variant>       // variant

#include <weft/net/endpoint.hpp>       // endpoint
#include <weft/net/tcp_listener.hpp>   // tcp_listener
#include <weft/net/unix_listener.hpp>  // unix_listener

#include "common/any_stream.hpp"  // any_stream

namespace weft::tool {

class any_listener {
 public:
  // \throws failure
  explicit any_listener(const std::string& where);
  // Removes the file of a Unix socket, if it is still the one that was made here.
  ~any_listener();
  any_listener(const any_listener&) = delete;
  any_listener& operator=(const any_listener&) = delete;

  any_stream accept(std::error_code& error);
  // Ends an accept() that waits, and all later ones. Any thread.
  void close() noexcept;
  // Where it listens, with the port that the system chose.
  const std::string& name() const noexcept { return name_; }

 private:
  struct file {
    std::string path;  // empty: none
    unsigned long long device = 0, inode = 0;
  };
  static file file_of(const net::endpoint& at);

  std::variant<net::tcp_listener, net::unix_listener> socket_;
  std::string name_;
  file file_;
};

}  // namespace weft::tool
