// The command line of a contender.
#include "contenders/common/options.hpp"

#include <charconv>   // from_chars
#include <limits>     // most of an unsigned
#include <stdexcept>  // invalid_argument

namespace contenders {
namespace {

std::size_t number(std::string_view option, std::string_view text, std::size_t least, std::size_t most) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw std::invalid_argument(std::string(option) + " wants a number from " + std::to_string(least) + " to " +
                                std::to_string(most));
  }
  return value;
}

}  // namespace

bool options::has(std::string_view name) const {
  for (std::string_view rest = variant; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (rest.substr(0, comma) == name) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

options parse(int argc, char** argv) {
  options o;
  if (argc == 2 && std::string_view(argv[1]) == "--list") return o;
  if (argc < 2 || argv[1][0] == '-') {
    throw std::invalid_argument(
        "usage: --list | WORKLOAD [--workers N] [--size N] [--milliseconds N] [--stack BYTES] [--variant NAME]");
  }
  o.workload = argv[1];
  constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) throw std::invalid_argument(std::string(name) + " wants a value");
    const std::string_view value = argv[i + 1];
    if (name == "--workers") {
      o.workers = static_cast<unsigned>(number(name, value, 1, 1024));
    } else if (name == "--size") {
      o.size = number(name, value, 0, any);
    } else if (name == "--milliseconds") {
      o.milliseconds = static_cast<unsigned>(number(name, value, 1, 100'000));
    } else if (name == "--stack") {
      o.stack = number(name, value, 1, any);
    } else if (name == "--variant") {
      o.variant = value;
    } else {
      throw std::invalid_argument("no such option: " + std::string(name));
    }
  }
  return o;
}

}  // namespace contenders
