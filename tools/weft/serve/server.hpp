// `weft serve`: a folder on a port until somebody says stop.
#pragma once
#include <chrono>   // milliseconds
#include <cstdint>  // uint64_t
#include <string>   // string

#include "common/tls_server.hpp"  // certificate_files
#include "serve/connection.hpp"   // limits

namespace weft::tool {

struct serve_options {
  std::string folder;
  std::string listen = "127.0.0.1:8080";
  unsigned workers = 0;               // 0: one per CPU
  std::uint64_t max_connections = 0;  // at a time; 0: as many as the limit on open files is enough for
  limits limit;
  certificate_files certificate;            // empty: no TLS
  std::chrono::milliseconds grace{10'000};  // for requests in flight, after the first signal
  std::string log = "-";                    // a file, "-" for standard output, "off"
  bool quiet = false;                       // no line when it starts
};

// Runs to the end of the server. Returns the exit code. \throws failure, std::exception
int serve(const serve_options& options);

}  // namespace weft::tool
