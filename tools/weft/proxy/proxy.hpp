// `weft proxy`: passes connections on to somewhere else.
#pragma once
#include <chrono>  // milliseconds
#include <string>  // string

#include "common/stream_server.hpp"  // stream_server_options

namespace weft::tool {

struct proxy_options {
  stream_server_options server;
  std::string target;                                 // "127.0.0.1:5432", "db.example:5432", "unix:/run/my.sock"
  std::chrono::milliseconds connect_timeout{10'000};  // of looking the target up and connecting to it
};

// Runs to the end of the server. Returns the exit code. \throws failure, std::exception
int proxy(const proxy_options& options);

}  // namespace weft::tool
