// Reads /proc/self.
#include "contenders/common/memory.hpp"

#include <fstream>      // ifstream
#include <stdexcept>    // runtime_error
#include <string>       // lines
#include <string_view>  // starts_with

namespace contenders {

memory memory_now() {
  memory now{};
  std::string line;
  for (std::ifstream status("/proc/self/status"); std::getline(status, line);) {
    const std::string_view text = line;
    if (text.starts_with("VmRSS:") || text.starts_with("VmPTE:")) now.bytes += std::stod(line.substr(6)) * 1024;
  }
  for (std::ifstream maps("/proc/self/maps"); std::getline(maps, line);) ++now.mappings;
  if (now.bytes == 0 || now.mappings == 0) throw std::runtime_error("/proc/self cannot be read");
  return now;
}

}  // namespace contenders
