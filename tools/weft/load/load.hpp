// `weft load`: many connections to one URL, one fiber each.
#pragma once
#include <chrono>   // milliseconds
#include <cstdint>  // uint64_t
#include <string>   // string

namespace weft::tool {

struct load_options {
  std::string url;
  unsigned connections = 100;
  std::chrono::milliseconds duration{10'000};
  unsigned pipeline = 1;
  std::uint64_t requests = 0;  // 0: until the time is over
  std::chrono::milliseconds timeout{10'000};
  unsigned workers = 0;
  bool json = false;
  bool progress = false;
};

// Runs it and prints the report. Returns the exit code: 0 when there were responses and no error. \throws failure,
// std::exception
int load(const load_options& options);

}  // namespace weft::tool
