// What the connections of a running server share, and one of them from its acceptance to its close.
#pragma once
#include <cstdint>   // uint64_t
#include <memory>    // unique_ptr
#include <optional>  // optional
#include <string>    // string
#include <utility>   // exchange, move

#include <weft/base/atomic.hpp>     // atomic
#include <weft/net/tcp_stream.hpp>  // tcp_stream
#include <weft/sync/event.hpp>      // event
#include <weft/sync/semaphore.hpp>  // counting_semaphore

#include "common/live_connections.hpp"  // live_connections
#include "common/tls_server.hpp"        // tls_server
#include "serve/access_log.hpp"         // access_log
#include "serve/client_stream.hpp"      // client_stream
#include "serve/root_directory.hpp"     // root_directory
#include "serve/server.hpp"             // serve_options, site, lane

namespace weft::tool {

class blocking_lane final : public lane {
  void do_run(call f, void* argument) override;
};

struct shared_state {
  // Opens what the options name. \throws failure
  explicit shared_state(const serve_options& options);

  root_directory root;
  blocking_lane slow;
  std::optional<access_log> log;
  std::unique_ptr<tls_server> secure;  // null: connections are in the clear
  live_connections live;
  site where{root, slow};
  event drained;  // set once a stop has seen the last connection go
  // How many more connections may be accepted. Set up once the number of workers is known; a stop adds one, for accept_loop.
  counting_semaphore<> room{0};
  detail::atomic<std::uint64_t> failed_handshakes{0};
};

// One connection's share of the room: from before it is accepted until its descriptor has been closed.
class place {
 public:
  explicit place(counting_semaphore<>& taken_from) noexcept : room_(&taken_from) {}  // which the caller has acquired
  place(place&& other) noexcept : room_(std::exchange(other.room_, nullptr)) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (room_ != nullptr) {
      room_->release();
    }
  }

 private:
  counting_semaphore<>* room_;
};

// One accepted connection: in the list of the living from before its fiber starts until its fiber ends.
class session {
 public:
  session(net::tcp_stream socket, place where, shared_state& state);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // From the first byte to the last. May suspend. A connection's failure is its own: it is told, and the server goes on.
  void run();

 private:
  bool shake_hands(const std::string& peer);
  void serve();

  place place_;  // given back last
  client_stream stream_;
  shared_state& state_;
  live_connections::entry presence_;
};

}  // namespace weft::tool
