// `weft serve`: a folder on a port until somebody says stop.
#pragma once
#include <chrono>  // milliseconds
#include <string>  // string

#include "serve/connection.hpp"  // limits

namespace weft::tool {

struct serve_options {
  std::string folder;
  std::string listen = "127.0.0.1:8080";
  unsigned workers = 0;  // 0: one per CPU
  limits limit;
  std::chrono::milliseconds grace{10'000};  // for requests in flight, after the first signal
  std::string log = "-";                    // a file, "-" for standard output, "off"
  bool quiet = false;                       // no line when it starts
};

// Runs to the end of the server. Returns the exit code. \throws failure, std::exception
int serve(const serve_options& options);

}  // namespace weft::tool
