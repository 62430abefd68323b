// A server of byte streams: accepts up to its limit, gives each connection a fiber, reports, stops. What is done with a
// connection is the service's.
#pragma once
#include <chrono>   // milliseconds
#include <cstdint>  // uint64_t
#include <string>   // string

#include "common/any_stream.hpp"  // any_stream

namespace weft::tool {

struct stream_server_options {
  std::string listen;                       // "127.0.0.1:7000", "unix:/run/my.sock"
  unsigned workers = 0;                     // 0: one per CPU
  std::uint64_t max_connections = 0;        // at a time; 0: as many as the limit on open files is enough for
  std::chrono::milliseconds idle{300'000};  // a connection on which nothing moves is ended
  std::chrono::milliseconds grace{10'000};  // for connections to end by themselves, after the first signal
};

// Outlives the server; its members are called from several threads.
class stream_service {
 public:
  stream_service() = default;
  stream_service(const stream_service&) = delete;
  stream_service& operator=(const stream_service&) = delete;
  virtual ~stream_service() = default;

  // One connection, in a fiber of its own, from its first byte to its last; the caller closes it. Counts its failures itself:
  // what escapes is printed, and no more.
  virtual void serve(any_stream& client) = 0;
  // A stop has begun: connections that need not go on should end by themselves. Runs on a thread that must not be held up.
  virtual void begin_stop() {}
  // What has been counted, as "name value, ..."
  virtual std::string report() const = 0;
};

// Runs to the end of the server: SIGINT or SIGTERM, and the time for connections to end. `what`: what it says it does.
// `each`: descriptors of a connection. Prints the counters at the end and for each SIGUSR1. Returns the exit code.
// \throws failure, std::exception
int serve_streams(const stream_server_options& options, const std::string& what, unsigned each,
                  stream_service& service);

}  // namespace weft::tool
