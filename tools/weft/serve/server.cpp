// The server itself: one fiber accepts, one fiber per connection serves, one reloads, one thread waits for signals.
#include "serve/server.hpp"

#include <csignal>       // signal
#include <cstdio>        // printf, fprintf
#include <functional>    // function
#include <memory>        // make_unique
#include <new>           // bad_alloc
#include <system_error>  // system_error
#include <utility>       // move

#include <weft/net/tcp_listener.hpp>  // tcp_listener
#include <weft/sched/runtime.hpp>     // runtime, spawn
#include <weft/sched/this_fiber.hpp>  // sleep_for
#include <weft/sync/semaphore.hpp>    // counting_semaphore
#include <weft/task/scope.hpp>        // scope

#include "common/capacity.hpp"        // connections_within, streams_within
#include "common/failure.hpp"         // failure
#include "common/process_limits.hpp"  // raise_descriptor_limit
#include "common/stop_signals.hpp"    // stop_signals
#include "common/stop_switch.hpp"     // stop_switch
#include "serve/reload.hpp"           // reload_files
#include "serve/session.hpp"          // session, shared_state

namespace weft::tool {
namespace {

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
    weft::spawn(fiber_options{.name = "connection", .spread = true}, [one = std::move(one)] { one->run(); }).detach();
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

// What signals ask for.
struct wishes {
  stop_switch stop;
  counting_semaphore<> hangups{0};
};

int run_server(const serve_options& options, shared_state& state, wishes& asked, std::uint64_t descriptors) {
  state.room.release(room_for_connections(options, descriptors));
  net::tcp_listener listener = bind_or_explain(options.listen);
  const stop_switch::action stops{asked.stop, [&] {
                                    state.live.begin_stop();
                                    std::error_code ignored;  // a listener that is closed already is what is wanted
                                    listener.close(ignored);
                                    state.room.release();  // accept_loop may be waiting for a connection to leave
                                    asked.hangups.release();
                                  }};
  scope reloading;
  reloading.spawn(fiber_options{.name = "reload"}, [&] { reload_files(options, state, asked.hangups); });
  if (!options.quiet) {
    std::printf("serving %s on %s://%s/ with %u workers; stop with Ctrl-C\n", options.folder.c_str(),
                state.secure ? "https" : "http", listener.local_endpoint().to_string().c_str(),
                runtime::current()->workers());
    std::fflush(stdout);
  }
  accept_loop(listener, state);
  drain(state, options.grace);
  reloading.join();
  return 0;
}

}  // namespace

int serve(const serve_options& options) {
  // A log whose reader has gone must not end the server; sockets never raise the signal anyway.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const std::uint64_t descriptors = raise_descriptor_limit();
  wishes asked;
  // Around all the rest: the second signal has to find somebody who listens also when the runtime or the log does not end.
  const stop_signals signals{
      [&asked] { asked.stop.pull(); }, nullptr,
      has_files_to_reload(options) ? std::function<void()>{[&asked] { asked.hangups.release(); }} : nullptr};
  shared_state state{options};
  return weft::run(runtime_options{.workers = options.workers},
                   [&] { return run_server(options, state, asked, descriptors); });
}

}  // namespace weft::tool
