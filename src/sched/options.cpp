// Options of a runtime: checked, completed from the machine, overridden by the environment.
#include <algorithm>     // min, max
#include <charconv>      // from_chars
#include <cstdlib>       // getenv
#include <cstring>       // strlen
#include <fstream>       // cgroup files
#include <optional>      // optional
#include <sched.h>       // sched_getaffinity
#include <stdexcept>     // invalid_argument
#include <string>        // messages
#include <system_error>  // system_error

#include "sched/chaos.hpp"
#include "sched/poller.hpp"
#include "sched/runtime_impl.hpp"
#include "stack/stack.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr unsigned max_workers = 1024;

// Unsigned decimal; stack sizes also with a suffix k, m or g (powers of 1024).
std::optional<std::size_t> parse_count(std::string_view text, bool with_suffix) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (rest.empty()) return value;
  if (!with_suffix || rest.size() != 1) return std::nullopt;
  constexpr std::string_view suffixes = "kKmMgG";
  const std::size_t which = suffixes.find(rest.front());
  if (which == std::string_view::npos) return std::nullopt;
  const unsigned shift = 10 * static_cast<unsigned>(which / 2 + 1);
  if (value > (SIZE_MAX >> shift)) return std::nullopt;
  return value << shift;
}

[[noreturn]] void bad_variable(const char* name, const char* value, const char* wanted) {
  throw std::invalid_argument(std::string("weft: ") + name + "=" + value + " is not valid: expected " + wanted);
}

// CPUs of the affinity mask, cut to the quota of the process's own cgroup (v2, else v1) if it has one.
unsigned usable_cpus() {
  unsigned cpus = 1;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    cpus = static_cast<unsigned>(CPU_COUNT(&set));
  }
  std::string quota;
  double period = 0;
  if (std::ifstream("/sys/fs/cgroup/cpu.max") >> quota >> period && quota != "max" && period > 0) {
    cpus = std::min(cpus, std::max(1U, static_cast<unsigned>(std::strtod(quota.c_str(), nullptr) / period + 0.999)));
  } else {
    double quota_us = 0;
    if (std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota_us && quota_us > 0 &&
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period && period > 0) {
      cpus = std::min(cpus, std::max(1U, static_cast<unsigned>(quota_us / period + 0.999)));
    }
  }
  return std::max(1U, cpus);
}

std::string size_message(std::size_t bytes) {
  return "weft: stack size of " + std::to_string(bytes) + " bytes is out of range: 16 KiB to 64 MiB are possible";
}

void read_environment(runtime_options& o) {
  if (const char* v = std::getenv("WEFT_WORKERS"); v != nullptr) {
    const auto n = parse_count(v, false);
    if (!n || *n == 0 || *n > max_workers) bad_variable("WEFT_WORKERS", v, "a number of threads from 1 to 1024");
    o.workers = static_cast<unsigned>(*n);
  }
  if (const char* v = std::getenv("WEFT_STACK_SIZE"); v != nullptr) {
    const auto n = parse_count(v, true);
    if (!n || !is_stack_size(*n)) {
      bad_variable("WEFT_STACK_SIZE", v, "bytes from 16k to 64m, such as 262144 or 256k");
    }
    o.stack_size = *n;
  }
  if (const char* v = std::getenv("WEFT_CHECKS");
      v != nullptr && std::string_view(v) != "0" && std::string_view(v) != "1") {
    bad_variable("WEFT_CHECKS", v, "0 or 1");
  }
  if (const char* v = std::getenv("WEFT_IO"); v != nullptr) {
    if (std::strcmp(v, "uring") == 0) {
      o.io = io_backend::uring;
    } else if (std::strcmp(v, "epoll") == 0) {
      o.io = io_backend::epoll;
    } else {
      bad_variable("WEFT_IO", v, "uring or epoll");
    }
  }
  if (const char* v = std::getenv("WEFT_MIGRATE"); v != nullptr) {
    if (std::strcmp(v, "pinned") == 0) {
      o.migrate = migration::pinned;
    } else if (std::strcmp(v, "free") == 0) {
      o.migrate = migration::free;
    } else {
      bad_variable("WEFT_MIGRATE", v, "pinned or free");
    }
  }
  if (const char* v = std::getenv("WEFT_CHAOS"); v != nullptr) {
    const auto settings = parse_chaos(v);
    if (!settings) bad_variable("WEFT_CHAOS", v, "a seed, or seed:probability such as 7:0.05");
    set_chaos(*settings);  // of the whole process: threads outside any runtime are disturbed, too
  }
}

}  // namespace

runtime_options resolve_options(runtime_options o) {
  read_environment(o);
  if (o.workers > max_workers) {
    throw std::invalid_argument("weft: " + std::to_string(o.workers) + " workers are too many: 1 to 1024 are possible");
  }
  if (o.workers == 0) o.workers = usable_cpus();
  if (!is_stack_size(o.stack_size)) {
    throw std::invalid_argument(size_message(o.stack_size));
  }
  if (const int error = o.io == io_backend::uring ? why_no_uring() : 0; error != 0) {
    throw std::system_error(error, std::system_category(),
                            "weft: io_uring was asked for and is not available (is it in the build, in the kernel, and "
                            "allowed here?); use WEFT_IO=epoll or io_backend::automatic");
  }
  if (o.migrate == migration::inherit) o.migrate = migration::pinned;
  return o;
}

void apply_options(fiber_spec& spec, const fiber_options& options) {
  const std::size_t n = std::min(options.name.size(), sizeof spec.name - 1);
  options.name.copy(spec.name, n);
  spec.name[n] = '\0';
  spec.spread = options.spread;
  if (options.stack_size != 0) {
    if (!is_stack_size(options.stack_size)) {
      throw std::invalid_argument(size_message(options.stack_size));
    }
    spec.size_class = static_cast<std::uint8_t>(requested_stack_class(options.stack_size));
    spec.has_size_class = true;
  }
}

}  // namespace weft::inline v0::detail
