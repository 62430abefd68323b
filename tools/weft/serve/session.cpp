// A connection's fiber: TLS if there is to be any, then HTTP, then the end that tells the client it is one.
#include "serve/session.hpp"

#include <algorithm>     // min
#include <cerrno>        // error numbers
#include <chrono>        // steady_clock
#include <cstdio>        // fprintf
#include <cstdlib>       // getenv
#include <exception>     // exception
#include <string_view>   // string_view
#include <system_error>  // system_error

#include <weft/io/blocking.hpp>    // blocking
#include <weft/task/deadline.hpp>  // with_timeout, timed_out

#include "common/failure.hpp"    // failure
#include "serve/connection.hpp"  // connection
#include "serve/linger.hpp"      // linger

namespace weft::tool {
namespace {

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

// Anybody who finds the port can make a handshake fail, so that it did is told only to whoever asks: as the library's remarks.
bool remarks_are_wanted() {
  static const bool on = [] {
    const char* const value = std::getenv("WEFT_LOG");
    return value != nullptr && std::string_view{value} == "debug";
  }();
  return on;
}

}  // namespace

void blocking_lane::do_run(call f, void* argument) {
  weft::blocking([&] { f(argument); });
}

shared_state::shared_state(const serve_options& options) : root(open_root(options.folder)) {
  if (!options.certificate.chain.empty()) {
    secure = tls_server::open(options.certificate);
  }
  if (options.log != "off") {
    open_log(log, options.log);
  }
  where.log = log ? &*log : nullptr;
  where.limit = options.limit;
}

session::session(net::tcp_stream socket, place where, shared_state& state)
    : place_(std::move(where)), stream_(std::move(socket)), state_(state) {
  state_.live.add(presence_, stream_.next_layer().socket().native_handle());
}

session::~session() {
  // Out of the list first: once closed, the number may belong to another connection.
  if (state_.live.remove(presence_)) {
    state_.drained.set();
  }
}

void session::run() {
  try {
    serve();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "weft: a connection ended early: %s\n", e.what());
  }
}

void session::serve() {
  auto& socket = stream_.next_layer().socket();
  std::error_code ignored;  // no delay is a wish: a head and a body always go in one write
  socket.set_no_delay(true, ignored);
  const auto peer = socket.remote_endpoint(ignored);
  std::string name = peer.to_string();
  name.resize(std::min(name.size(), name.rfind(':')));  // logs name hosts, not ports
  if (state_.secure == nullptr) {
    connection<client_stream>{stream_, state_.where, presence_, std::move(name)}.serve();
  } else if (shake_hands(name)) {
    connection<client_stream>{stream_, state_.where, presence_, std::move(name)}.serve();
    stream_.set_timeout(
        std::chrono::seconds{1});    // of the room for a few bytes, which only a client that never reads lacks
    boost::system::error_code gone;  // then there is nobody to tell
    stream_.shutdown_write(gone);
  }
}

// A client that is in its handshake has asked for nothing yet: to a stop it is idle, and to the limits a request.
bool session::shake_hands(const std::string& peer) {
  if (!presence_.enter_idle()) {
    return false;
  }
  auto& next = stream_.next_layer();
  next.put_around(state_.secure->over(next.socket()));
  next.set_timeout(state_.where.limit.idle);
  std::error_code error;
  try {
    weft::with_timeout(state_.where.limit.request, [&] { next.secure()->handshake(error); });
  } catch (const timed_out&) {
    error = std::make_error_code(std::errc::timed_out);
  }
  presence_.leave_idle();
  if (!error) {
    return true;
  }
  const auto so_far = state_.failed_handshakes.fetch_add(1, detail::memory_order_relaxed) + 1;  // relaxed: only a count
  if (remarks_are_wanted()) {
    std::fprintf(stderr, "weft: a TLS handshake with %s failed: %s (%llu so far)\n", peer.c_str(),
                 error.message().c_str(), static_cast<unsigned long long>(so_far));
  }
  next.put_around(
      nullptr);  // what the client says now is not for us, but its end is waited for: an alert is on its way
  if (error != std::errc::timed_out) {
    linger<std::chrono::steady_clock>(stream_);
  }
  return false;
}

}  // namespace weft::tool
