// Sessions that a client may resume, by peer. Bounded: the peer not heard of for longest is forgotten first.
#pragma once
#include <cstddef>        // size_t
#include <list>           // list
#include <mutex>          // mutex
#include <string>         // string
#include <unordered_map>  // unordered_map
#include <vector>         // vector

#include "tls/handles.hpp"

namespace weft::inline v0::detail {

// Threads: any, inside of an openssl_section. The lock is one of the OS thread, because put() is called from inside of
// OpenSSL, where nothing may suspend; it is a leaf, held for a look-up.
class session_cache {
 public:
  explicit session_cache(std::size_t most_peers) noexcept : most_peers_(most_peers) {}

  bool enabled() const noexcept { return most_peers_ != 0; }
  // \throws std::bad_alloc; then `session` is as it was.
  void put(const std::string& peer, openssl_ptr<SSL_SESSION>& session);
  // The newest one, or null. A ticket of TLS 1.3 is given out once, so that nobody can tell two connections to be of one
  // client; a session of TLS 1.2 is given out as a copy, because OpenSSL marks the original when its connection ends.
  openssl_ptr<SSL_SESSION> take(const std::string& peer);
  void clear() noexcept;

 private:
  static constexpr std::size_t most_each = 4;
  struct entry {
    std::string peer;
    std::vector<openssl_ptr<SSL_SESSION>> sessions;  // the newest last
  };
  const std::size_t most_peers_;
  std::mutex lock_;
  std::list<entry> entries_;  // the freshest first
  std::unordered_map<std::string, std::list<entry>::iterator> by_peer_;
};

}  // namespace weft::inline v0::detail
