// One look-up: a c-ares channel of its own, driven by the fiber that asks. Nothing of it is shared, so c-ares needs no lock, and
// ending it early is destroying it.
#pragma once
#include <chrono>        // milliseconds
#include <optional>      // optional
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include <ares.h>  // ares_channel, ares_addrinfo

#include "dns/socket_set.hpp"
#include <weft/dns/resolver.hpp>  // resolver_options
#include <weft/net/endpoint.hpp>  // endpoint

namespace weft::inline v0::dns {

class lookup {
 public:
  explicit lookup(const resolver_options& options) noexcept : options_(options) {}
  // Nothing is left running: what c-ares has not answered yet it gives up here, in this call.
  ~lookup();
  lookup(const lookup&) = delete;
  lookup& operator=(const lookup&) = delete;

  // Once. An empty `service` means port 0; else it is a name. \throws weft::cancelled, std::system_error, std::bad_alloc
  std::vector<net::endpoint> run(const std::string& host, const std::string& service, std::error_code& error);

 private:
  // What may read files; each returns an error.
  std::error_code begin(const std::string& host, const std::string& service);
  std::error_code make_channel();
  int set_servers();
  // Until something has happened, or c-ares wants to look at its clock.
  std::error_code await();
  void process(bool ready) noexcept;
  std::chrono::milliseconds next_look() noexcept;

  static void finished(void* self, int status, int timeouts, ares_addrinfo* found) noexcept;
  static void state_changed(void* self, ares_socket_t socket, int readable, int writable) noexcept;

  const resolver_options& options_;
  socket_set sockets_;  // outlives the channel, which tells it of the sockets it closes
  ares_channel channel_ = nullptr;
  ares_addrinfo* found_ = nullptr;
  int status_ = ARES_SUCCESS;
  bool done_ = false;
};

}  // namespace weft::inline v0::dns
