// What the command line asks of one measurement.
#pragma once
#include <cstddef>      // size_t
#include <string>       // workload, variant
#include <string_view>  // look-up of a variant

namespace contenders {

struct options {
  std::string workload;  // empty: list them
  unsigned workers = 1;  // OS threads that run fibers
  std::size_t size = 0;  // 0: the workload's default
  unsigned milliseconds = 100;
  std::size_t stack = 0;  // bytes; 0: the runtime's default
  std::string variant;    // empty, a name, or names with commas between: "guarded,warm"

  std::size_t size_or(std::size_t preset) const { return size != 0 ? size : preset; }
  std::size_t stack_or(std::size_t preset) const { return stack != 0 ? stack : preset; }
  bool has(std::string_view name) const;  // whether `name` is among the variants
  double least_ns() const { return static_cast<double>(milliseconds) * 1e6; }
};

// \throw std::invalid_argument that says what is wrong
options parse(int argc, char** argv);

}  // namespace contenders
