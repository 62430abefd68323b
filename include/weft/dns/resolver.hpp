/// \file   weft/dns/resolver.hpp
/// \brief  Name look-up that occupies no thread while it waits: c-ares, driven by the fiber that asks.
#pragma once
#include <chrono>        // milliseconds
#include <cstddef>       // size_t
#include <memory>        // unique_ptr
#include <optional>      // optional
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <vector>        // vector

#include <weft/base/config.hpp>   // WEFT_EXPORT
#include <weft/dns/error.hpp>     // error_category
#include <weft/net/endpoint.hpp>  // endpoint

namespace weft::inline v0::dns {

/// What is not said here is as in /etc/resolv.conf, which is read anew for each look-up.
struct resolver_options {
  std::vector<net::endpoint> servers = {};                ///< IP addresses with ports, asked in this order
  std::optional<std::vector<std::string>> search = {};    ///< domains to try for short names; an empty list: none
  std::optional<int> ndots = {};                          ///< names with as many dots are tried as they are first
  std::optional<std::chrono::milliseconds> timeout = {};  ///< of the first question to a server; later ones take longer
  std::optional<int> tries = {};                          ///< how often each server is asked
  bool hosts_file = true;                                 ///< look into /etc/hosts before asking servers
  bool environment_hosts = false;                         ///< CARES_HOSTS names the file to use as /etc/hosts
  std::string resolv_conf = {};                           ///< the file to use as /etc/resolv.conf
  std::size_t max_concurrent = 128;  ///< look-ups at a time, of three descriptors or so; others wait
};

/// Looks names up with settings of its own. Linking weft::dns makes net::resolve use one with the defaults; a program that
/// wants nothing else needs no object of this class.
///
/// Threads:  any number of look-ups at a time, from fibers and plain threads. The destructor needs the object for itself.
/// Blocking: a fiber parks, a plain thread sleeps in poll(2). Files (/etc/hosts, /etc/resolv.conf, /etc/services) are read on
///           the blocking pool when a look-up begins; no thread is occupied while servers are waited for.
/// Stop:     a cancellation point; a stop or a deadline (weft::with_timeout) ends the look-up at once.
/// Memory:   a look-up has a c-ares channel, a few KiB from the heap. It takes up to 24 KiB of the caller's stack; with less
///           left, c-ares runs on threads of the blocking pool.
class WEFT_EXPORT resolver {
 public:
  /// \throws std::system_error  errc::invalid_argument: a server that is no IP address, a number below 1 (ndots: 0);
  ///         std::bad_alloc
  explicit resolver(resolver_options options = {});
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// The TCP endpoints, IPv4 and IPv6, of a host (a name or a numeric address) and a service (a name or a port number), in
  /// the order in which they should be tried. Never empty without an error.
  /// \throws std::system_error  codes of dns::error_category(), or of the system (too_many_files_open, ...); std::bad_alloc
  std::vector<net::endpoint> resolve(std::string_view host, std::string_view service);
  std::vector<net::endpoint> resolve(std::string_view host, std::string_view service, std::error_code& error);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace weft::inline v0::dns
