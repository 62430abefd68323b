// A contender's program: the workloads it has, by name.
#pragma once
#include <functional>   // function
#include <string_view>  // names
#include <vector>       // registry

#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders {

// A workload's function. As a type, it declares several: `measurement yield, spawn_join;`
using measurement = figures(const options& o);

struct workload {
  std::string_view name;
  std::function<figures(const options&)> measure;
  // What --variant may say for it besides nothing; anything else ends with 77.
  std::vector<std::string_view> variants{};
};

// All of main(): lists, or measures one and prints its line. \return the exit code that bench/README.md wants
int run(int argc, char** argv, const std::vector<workload>& all);

// For workloads, or whole runtimes, that have one thread only. \throw unavailable
void need_one_worker(const options& o);

}  // namespace contenders
