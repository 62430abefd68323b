// What every contender's main() does.
#include "contenders/common/program.hpp"

#include <algorithm>  // find
#include <cstdio>     // puts, fprintf
#include <stdexcept>  // invalid_argument
#include <string>     // messages
#include <unistd.h>   // alarm

#include "contenders/common/errors.hpp"

namespace contenders {
namespace {

constexpr int failed = 1, wrong_options = 2, not_here = 77;
constexpr unsigned time_limit_s = 600;

int complain(int code, const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return code;
}

void need_known_variants(const workload& w, const options& o) {
  for (std::string_view rest = o.variant; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = rest.substr(0, comma);
    if (std::find(w.variants.begin(), w.variants.end(), name) == w.variants.end()) {
      throw unavailable("no variant of " + o.workload + " here: " + std::string(name));
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
}

int run_checked(int argc, char** argv, const std::vector<workload>& all) {
  const options o = parse(argc, argv);
  if (o.workload.empty()) {
    for (const workload& w : all) std::printf("%.*s\n", static_cast<int>(w.name.size()), w.name.data());
    return 0;
  }
  const auto found = std::find_if(all.begin(), all.end(), [&](const workload& w) { return w.name == o.workload; });
  if (found == all.end()) throw unavailable("no such workload here: " + o.workload);
  need_known_variants(*found, o);
  ::alarm(time_limit_s);  // ends a program that hangs
  const figures result = found->measure(o);
  std::puts(result.json().c_str());
  return 0;
}

}  // namespace

int run(int argc, char** argv, const std::vector<workload>& all) {
  try {
    return run_checked(argc, argv, all);
  } catch (const std::invalid_argument& error) {
    return complain(wrong_options, error.what());
  } catch (const unavailable& error) {
    return complain(not_here, error.what());
  } catch (const std::exception& error) {
    return complain(failed, error.what());
  }
}

void need_one_worker(const options& o) {
  if (o.workers != 1) throw unavailable(o.workload + " has one worker here");
}

}  // namespace contenders
