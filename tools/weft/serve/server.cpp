// The server itself: one fiber accepts, one fiber per connection serves, one thread waits for signals.
#include "serve/server.hpp"

#include <algorithm>     // min
#include <cerrno>        // error numbers
#include <csignal>       // signal
#include <cstdio>        // printf, fprintf
#include <memory>        // unique_ptr
#include <new>           // bad_alloc
#include <optional>      // optional
#include <system_error>  // system_error
#include <utility>       // exchange, move

#include <weft/interop/asio_stream.hpp>  // sync_stream
#include <weft/io/blocking.hpp>          // blocking
#include <weft/net/tcp_listener.hpp>     // tcp_listener
#include <weft/sched/runtime.hpp>        // runtime, spawn
#include <weft/sched/this_fiber.hpp>     // sleep_for
#include <weft/sync/event.hpp>           // event
#include <weft/sync/semaphore.hpp>       // counting_semaphore

#include "common/capacity.hpp"        // connections_within, streams_within
#include "common/failure.hpp"         // failure
#include "common/process_limits.hpp"  // raise_descriptor_limit
#include "common/stop_signals.hpp"    // stop_signals
#include "common/stop_switch.hpp"     // stop_switch

namespace weft::tool {
namespace {

class blocking_lane final : public lane {
  void do_run(call f, void* argument) override {
    weft::blocking([&] { f(argument); });
  }
};

root_directory open_root(const std::string& folder) {
  try {
    return root_directory{folder};
  } catch (const std::system_error& e) {
    switch (e.code().value()) {
      case ENOENT:
        throw failure{"there is no folder " + folder};
      case ENOTDIR:
        throw failure{folder + " is not a folder; give the folder that holds the files"};
      case EACCES:
        throw failure{"no permission to read the folder " + folder};
      default:
        throw failure{"cannot open the folder " + folder + ": " + e.code().message()};
    }
  }
}

void open_log(std::optional<access_log>& log, const std::string& path) {
  try {
    log.emplace(path);
  } catch (const std::system_error& e) {
    throw failure{"cannot write the log " + path + ": " + e.code().message()};
  }
}

// What all connections of a running server share.
struct shared_state {
  explicit shared_state(const serve_options& options) : root(open_root(options.folder)) {
    if (options.log != "off") {
      open_log(log, options.log);
    }
    where.log = log ? &*log : nullptr;
    where.limit = options.limit;
  }

  root_directory root;
  blocking_lane slow;
  std::optional<access_log> log;
  live_connections live;
  site where{root, slow};
  event drained;  // set once a stop has seen the last connection go
  // How many more connections may be accepted. Set up once the number of workers is known; a stop adds one, for accept_loop.
  counting_semaphore<> room{0};
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
  session(net::tcp_stream socket, place where, shared_state& state)
      : place_(std::move(where)), stream_(std::move(socket)), state_(state) {
    state_.live.add(presence_, stream_.next_layer().native_handle());
  }
  ~session() {
    // Out of the list first: once closed, the number may belong to another connection.
    if (state_.live.remove(presence_)) {
      state_.drained.set();
    }
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void run() {
    std::error_code ignored;  // no delay is a wish: a head and a body always go in one write
    stream_.next_layer().set_no_delay(true, ignored);
    const auto peer = stream_.next_layer().remote_endpoint(ignored);
    std::string name = peer.to_string();
    name.resize(std::min(name.size(), name.rfind(':')));  // logs name hosts, not ports
    connection<interop::sync_stream>{stream_, state_.where, presence_, std::move(name)}.serve();
  }

 private:
  place place_;  // given back last
  interop::sync_stream stream_;
  shared_state& state_;
  live_connections::entry presence_;
};

// A connection's failure is its own: the server goes on.
void serve_session(session& one) {
  try {
    one.run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "weft: a connection ended early: %s\n", e.what());
  }
}

// Errors that pass when something else is given back.
bool out_of_resources(const std::error_code& error) noexcept {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
         error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

// Accepts one connection and starts its fiber. Memory may run out anywhere on the way: the connection is closed then.
void accept_one(net::tcp_listener& listener, shared_state& state, std::error_code& error) {
  state.room.acquire();
  place here{state.room};
  if (state.live.stopping()) {
    return;
  }
  try {
    net::tcp_stream socket = listener.accept(error);
    if (error || state.live.stopping()) {
      return;
    }
    auto one = std::make_unique<session>(std::move(socket), std::move(here), state);
    weft::spawn(fiber_options{.name = "connection", .spread = true}, [one = std::move(one)] {
      serve_session(*one);
    }).detach();
  } catch (const std::bad_alloc&) {
    error = std::make_error_code(std::errc::not_enough_memory);
  }
}

void accept_loop(net::tcp_listener& listener, shared_state& state) {
  bool complained = false;
  for (;;) {
    std::error_code error;
    accept_one(listener, state, error);
    if (state.live.stopping()) {
      return;
    }
    if (!error) {
      continue;
    }
    if (!out_of_resources(error)) {
      throw std::system_error(error, "accept");
    }
    if (!complained) {
      complained = true;
      const bool descriptors = error == std::errc::too_many_files_open;
      std::fprintf(stderr, "weft: no more connections for now: %s%s\n", error.message().c_str(),
                   descriptors ? "; raise the limit with 'ulimit -n'" : "");
    }
    this_fiber::sleep_for(std::chrono::milliseconds{20});  // nothing tells when a descriptor or memory becomes free
  }
}

void drain(shared_state& state, std::chrono::milliseconds grace) {
  if (state.live.size() == 0 || state.drained.wait_for(grace)) {
    return;
  }
  std::fprintf(stderr, "weft: %zu connections were not done in time and are cut\n", state.live.size());
  state.live.cut_all();
  // Every wait of a cut connection ends at once, so this only takes as long as a pool call under way.
  if (!state.drained.wait_for(std::chrono::seconds{5})) {
    std::fprintf(stderr, "weft: %zu connections wait for a disk; another signal ends the server without them\n",
                 state.live.size());
  }
}

net::tcp_listener bind_or_explain(const std::string& text) {
  std::error_code error;
  const auto at = net::endpoint::parse(text, error);
  if (error || !at.is_ip()) {
    throw failure{"--listen: '" + text + "' is not an address with a port, such as 127.0.0.1:8080 or [::1]:0"};
  }
  auto listener = net::tcp_listener::bind(at, error);
  if (error == std::errc::address_in_use) {
    throw failure{text + " is in use; stop the other server, or choose another port with --listen"};
  }
  if (error == std::errc::permission_denied) {
    throw failure{"no permission to listen on " + text + "; choose a port above 1023 with --listen"};
  }
  if (error == std::errc::address_not_available) {
    throw failure{"this machine has no address " + text + "; try 127.0.0.1 or 0.0.0.0 in --listen"};
  }
  if (error) {
    throw failure{"cannot listen on " + text + ": " + error.message()};
  }
  return listener;
}

std::ptrdiff_t room_for_connections(const serve_options& options, std::uint64_t descriptors) {
  const unsigned workers = runtime::current()->workers();
  if (options.max_connections == 0) {
    return static_cast<std::ptrdiff_t>(connections_within(descriptors, workers));
  }
  return static_cast<std::ptrdiff_t>(streams_within(options.max_connections, 1, descriptors, workers));
}

int run_server(const serve_options& options, shared_state& state, stop_switch& stop, std::uint64_t descriptors) {
  state.room.release(room_for_connections(options, descriptors));
  net::tcp_listener listener = bind_or_explain(options.listen);
  const stop_switch::action stops{stop, [&] {
                                    state.live.begin_stop();
                                    std::error_code ignored;  // a listener that is closed already is what is wanted
                                    listener.close(ignored);
                                    state.room.release();  // accept_loop may be waiting for a connection to leave
                                  }};
  if (!options.quiet) {
    std::printf("serving %s on http://%s/ with %u workers; stop with Ctrl-C\n", options.folder.c_str(),
                listener.local_endpoint().to_string().c_str(), runtime::current()->workers());
    std::fflush(stdout);
  }
  accept_loop(listener, state);
  drain(state, options.grace);
  return 0;
}

}  // namespace

int serve(const serve_options& options) {
  // A log whose reader has gone must not end the server; sockets never raise the signal anyway.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const std::uint64_t descriptors = raise_descriptor_limit();
  stop_switch stop;
  // Around all the rest: the second signal has to find somebody who listens also when the runtime or the log does not end.
  const stop_signals signals{[&stop] { stop.pull(); }};
  shared_state state{options};
  return weft::run(runtime_options{.workers = options.workers},
                   [&] { return run_server(options, state, stop, descriptors); });
}

}  // namespace weft::tool
