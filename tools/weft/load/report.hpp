// The result of a load run, for people and for programs.
#pragma once
#include <cstdint>  // uint64_t
#include <string>   // string

#include "load/results.hpp"  // totals

namespace weft::tool {

struct load_report {
  std::string url;
  unsigned connections = 0;  // asked for
  unsigned connected = 0;    // made
  unsigned pipeline = 1;
  double seconds = 0;
  std::uint64_t body_bytes = 0;  // of one response
  std::uint64_t peak_resident_bytes = 0;
  totals counted;
};

std::string render_text(const load_report& report);
std::string render_json(const load_report& report);

}  // namespace weft::tool
