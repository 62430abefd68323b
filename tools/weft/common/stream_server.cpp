// One fiber accepts, one fiber per connection serves, one thread waits for signals.
#include "common/stream_server.hpp"

#include <csignal>       // signal
#include <cstdio>        // printf, fprintf
#include <exception>     // exception
#include <memory>        // make_unique
#include <new>           // bad_alloc
#include <system_error>  // error_code, system_error
#include <utility>       // exchange, move

#include <weft/base/atomic.hpp>       // atomic
#include <weft/sched/runtime.hpp>     // runtime
#include <weft/sched/this_fiber.hpp>  // sleep_for
#include <weft/sync/semaphore.hpp>    // counting_semaphore
#include <weft/sync/wait_group.hpp>   // wait_group
#include <weft/task/scope.hpp>        // scope

#include "common/any_listener.hpp"    // any_listener
#include "common/capacity.hpp"        // streams_within
#include "common/process_limits.hpp"  // raise_descriptor_limit
#include "common/stop_signals.hpp"    // stop_signals
#include "common/stop_switch.hpp"     // stop_switch

namespace weft::tool {
namespace {

// What all connections share. Outlives the runtime: a report may be asked for until the very end.
struct server_state {
  detail::atomic<bool> stopping{false};
  detail::atomic<std::uint64_t> accepted{0}, open{0};
  // How many more connections may be accepted; a stop adds one, for accept_loop.
  counting_semaphore<> room{0};
  wait_group living;
};

// One connection's share of the room, from before it is accepted until its descriptor has been closed.
class place {
 public:
  explicit place(server_state& state) noexcept : state_(&state) {}  // the caller has acquired a permit
  place(place&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (state_ != nullptr) {
      state_->room.release();
    }
  }

 private:
  server_state* state_;
};

// One accepted connection. Its members go in reverse: the descriptor is closed, then it counts no longer, then there is room.
class session {
 public:
  session(place where, any_stream socket, server_state& state, stream_service& service)
      : place_(std::move(where)), presence_{state}, socket_(std::move(socket)), service_(service) {}

  void run() {
    try {
      service_.serve(socket_);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "weft: a connection ended early: %s\n", e.what());
    }
  }

 private:
  struct presence {
    explicit presence(server_state& s) noexcept : state(s) {
      // relaxed: the counts are for reports only; `living` is what a stop waits for.
      state.accepted.fetch_add(1, detail::memory_order_relaxed);
      state.open.fetch_add(1, detail::memory_order_relaxed);
      state.living.add();
    }
    ~presence() {
      state.open.fetch_sub(1, detail::memory_order_relaxed);  // relaxed: as above
      state.living.done();
    }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    server_state& state;
  };

  place place_;
  presence presence_;
  any_stream socket_;
  stream_service& service_;
};

// Errors that pass when something else is given back.
bool out_of_resources(const std::error_code& error) noexcept {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
         error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

void print_report(const server_state& state, const stream_service& service) {
  // relaxed: each count is exact, but not of one moment together.
  const auto accepted = state.accepted.load(detail::memory_order_relaxed);
  const auto open = state.open.load(detail::memory_order_relaxed);
  std::printf("connections %llu, open %llu, %s\n", static_cast<unsigned long long>(accepted),
              static_cast<unsigned long long>(open), service.report().c_str());
  std::fflush(stdout);
}

class server {
 public:
  server(any_listener& listener, server_state& state, stream_service& service) noexcept
      : listener_(listener), state_(state), service_(service) {}

  void run(std::chrono::milliseconds grace) {
    scope connections;
    accept_loop(connections);
    if (!state_.living.wait_for(grace)) {
      // relaxed: a count, of a moment.
      std::fprintf(stderr, "weft: %llu connections did not end in time and are cut\n",
                   static_cast<unsigned long long>(state_.open.load(detail::memory_order_relaxed)));
      connections.request_stop();
    }
    connections.join();
  }

 private:
  bool stopping() const noexcept { return state_.stopping.load(detail::memory_order_acquire); }  // pairs with stop()

  // Memory, stacks or descriptors may run out anywhere on the way: the connection is closed then, or stays in the backlog.
  void accept_one(scope& connections, std::error_code& error) {
    state_.room.acquire();
    place here{state_};
    if (stopping()) {
      return;
    }
    try {
      any_stream socket = listener_.accept(error);
      if (error || stopping()) {
        return;
      }
      connections.spawn(
          fiber_options{.name = "connection", .spread = true},
          [one = std::make_unique<session>(std::move(here), std::move(socket), state_, service_)] { one->run(); });
    } catch (const std::bad_alloc&) {
      error = std::make_error_code(std::errc::not_enough_memory);
    } catch (const std::system_error& e) {
      error = e.code();
    }
  }

  void accept_loop(scope& connections) {
    bool complained = false;
    for (;;) {
      std::error_code error;
      accept_one(connections, error);
      if (stopping()) {
        return;
      }
      if (!error) {
        continue;
      }
      if (!out_of_resources(error)) {
        throw std::system_error(error, "accept");
      }
      if (!std::exchange(complained, true)) {
        std::fprintf(stderr, "weft: no more connections for now: %s%s\n", error.message().c_str(),
                     error == std::errc::too_many_files_open ? "; raise the limit with 'ulimit -n'" : "");
      }
      this_fiber::sleep_for(std::chrono::milliseconds{20});  // nothing tells when a descriptor or memory becomes free
    }
  }

  any_listener& listener_;
  server_state& state_;
  stream_service& service_;
};

}  // namespace

int serve_streams(const stream_server_options& options, const std::string& what, unsigned each,
                  stream_service& service) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // a reader of the reports who has gone must not end the server
  const std::uint64_t descriptors = raise_descriptor_limit();
  server_state state;
  stop_switch stop;
  {
    // Around all the rest: the second signal has to find somebody who listens also when the runtime does not end.
    const stop_signals listening{[&stop] { stop.pull(); }, [&] { print_report(state, service); }};
    weft::run(runtime_options{.workers = options.workers}, [&] {
      const unsigned workers = runtime::current()->workers();
      state.room.release(
          static_cast<std::ptrdiff_t>(streams_within(options.max_connections, each, descriptors, workers)));
      any_listener listener{options.listen};
      const stop_switch::action stops{stop, [&] {
                                        state.stopping.store(true,
                                                             detail::memory_order_release);  // pairs with stopping()
                                        listener.close();
                                        service.begin_stop();
                                        state.room.release();  // accept_loop may be waiting for a connection to leave
                                      }};
      std::printf("listening on %s, %s with %u workers; stop with Ctrl-C\n", listener.name().c_str(), what.c_str(),
                  workers);
      std::fflush(stdout);
      server{listener, state, service}.run(options.grace);
    });
  }
  print_report(state, service);
  return 0;
}

}  // namespace weft::tool
