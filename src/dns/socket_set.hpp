// c-ares' sockets behind one descriptor: an epoll set of a look-up's own, which its fiber waits for like for any other.
#pragma once
#include <optional>  // optional

#include <weft/base/config.hpp>  // inline namespace

namespace weft::inline v0::dns {

class socket_set {
 public:
  socket_set() noexcept = default;
  ~socket_set();
  socket_set(const socket_set&) = delete;
  socket_set& operator=(const socket_set&) = delete;

  // 0, or the errno of the failure. Once.
  int open() noexcept;
  // Readable when one of the sockets has something to tell.
  int native() const noexcept { return set_; }

  // What c-ares wants to know of a socket from now on; neither: no more, it is about to be closed.
  void watch(int socket, bool readable, bool writable) noexcept;
  // The errno of the first watch() that failed, or 0: then c-ares would wait for something that nobody tells.
  int failure() const noexcept { return failure_; }

  struct event {
    int socket;
    bool readable, writable;
  };
  // One that is ready now; does not wait. Level-triggered: one that is not dealt with comes again.
  std::optional<event> next() noexcept;

 private:
  int set_ = -1;
  int failure_ = 0;
};

}  // namespace weft::inline v0::dns
