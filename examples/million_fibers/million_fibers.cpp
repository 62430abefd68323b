// A million fibers parked at once, each on a guarded stack of its own, and what that costs.
//
//   million_fibers [--check] [fibers] [stack KiB]      default: 1000000 fibers with 256 KiB stacks, then the same with 64 KiB
//
// --check: exit code 1 when a fiber costs more than is promised below, 77 when memory is too short to tell; as many fibers
// as the available memory holds, if those are fewer.
#include <charconv>    // from_chars
#include <chrono>      // steady_clock
#include <cstdio>      // printf
#include <cstring>     // strlen
#include <exception>   // exception
#include <fstream>     // /proc
#include <string>      // getline
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork
#include <vector>      // handles

#include <weft/weft.hpp>

namespace {

constexpr int skipped_status = 77;
constexpr std::size_t fewest_to_check = 50'000;     // below, what the runtime itself costs shows in the mean
constexpr std::size_t room_for_each = 6 * 1024;     // bytes: what a fiber costs, and some for the rest of the machine
constexpr std::size_t small_stack = 64 * 1024;      // bytes
constexpr std::size_t default_stack = 256 * 1024;   // bytes
constexpr double small_stack_limit = 4.4 * 1024;    // bytes resident each, page tables included
constexpr double default_stack_limit = 4.8 * 1024;  // likewise: the page tables are sparser
constexpr long mappings_limit = 100;                // in all

struct request {
  std::size_t count = 1'000'000;
  std::size_t stack_kib = 0;  // 0: both sizes
  bool check = false;
};

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

// A figure of /proc/self/status or /proc/meminfo, in bytes.
double bytes_in(const char* path, const std::string& key) {
  std::ifstream figures(path);
  for (std::string line; std::getline(figures, line);) {
    if (line.compare(0, key.size(), key) == 0) return std::stod(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

double resident_with_page_tables() {
  return bytes_in("/proc/self/status", "VmRSS") + bytes_in("/proc/self/status", "VmPTE");
}

long mappings() {
  std::ifstream maps("/proc/self/maps");
  long n = 0;
  for (std::string line; std::getline(maps, line);) ++n;
  return n;
}

bool within_limits(double bytes_each, long more_mappings, std::size_t stack_bytes) {
  const double limit = stack_bytes <= small_stack ? small_stack_limit : default_stack_limit;
  if (bytes_each <= limit && more_mappings < mappings_limit) return true;
  std::printf("  too much: the limits are %.0f bytes each and %ld mappings\n", limit, mappings_limit);
  return false;
}

struct shared_state {
  std::size_t parked = 0;
  std::size_t woken = 0;
  weft::event go;
};

// \return whether all were parked at once, at no more than the promised cost, and ran to their end
bool park_many(const request& wanted, std::size_t stack_bytes) {
  const std::size_t count = wanted.count;
  shared_state state;  // one worker: plain counters need no lock
  std::vector<weft::fiber<>> fibers;
  fibers.reserve(count);
  const double memory_before = resident_with_page_tables();
  const long mappings_before = mappings();
  const auto start = clock_type::now();
  for (std::size_t i = 0; i < count; ++i) {
    fibers.push_back(weft::spawn([&state] {
      ++state.parked;
      state.go.wait();
      ++state.woken;
    }));
  }
  std::size_t shown = 0;
  while (state.parked < count) {
    weft::this_fiber::yield();
    if (state.parked >= shown + count / 10) {
      shown = state.parked;
      std::printf("\r  %zu parked", shown);
      std::fflush(stdout);
    }
  }
  const double create = seconds_since(start);
  const double each = (resident_with_page_tables() - memory_before) / static_cast<double>(count);
  const long more_mappings = mappings() - mappings_before;
  std::printf("\r  %zu fibers parked at once in %.1f s\n", state.parked, create);
  std::printf("  %.0f bytes resident each, page tables included; %ld more mappings\n", each, more_mappings);
  const bool affordable = !wanted.check || within_limits(each, more_mappings, stack_bytes);

  const auto wake = clock_type::now();
  state.go.set();
  for (auto& f : fibers) f.join();
  std::printf("  all %zu woken, run to their end and joined in %.1f s\n", state.woken, seconds_since(wake));
  return affordable && state.woken == count;
}

// Each size in a process of its own, so that one does not find the other's memory warm.
bool in_child(const request& wanted, std::size_t stack_bytes) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) {
    std::perror("million_fibers: fork");
    return false;
  }
  if (child == 0) {
    int status = 0;
    try {
      weft::runtime_options options;
      options.workers = 1;
      options.stack_size = stack_bytes;
      std::printf("stacks of %zu KiB, each with its guard:\n", stack_bytes / 1024);
      const bool good = weft::run(options, [&] { return park_many(wanted, stack_bytes); });
      status = good ? 0 : 1;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "million_fibers: %s\n", e.what());
      status = 1;
    }
    std::fflush(stdout);
    ::_exit(status);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool parse(const char* text, std::size_t& out) {
  const char* end = text + std::strlen(text);
  const auto result = std::from_chars(text, end, out);
  return result.ec == std::errc{} && result.ptr == end && out > 0;
}

bool parse(int argc, char** argv, request& out) {
  int at = 1;
  if (at < argc && std::strcmp(argv[at], "--check") == 0) {
    out.check = true;
    ++at;
  }
  if (at < argc && !parse(argv[at++], out.count)) return false;
  if (at < argc && !parse(argv[at++], out.stack_kib)) return false;
  return at == argc && !(out.check && out.stack_kib > default_stack / 1024);
}

// As many as there is memory for. \return false: too few to tell
bool fit_into_memory(request& wanted) {
  const auto room = static_cast<std::size_t>(bytes_in("/proc/meminfo", "MemAvailable:")) / room_for_each;
  if (room < wanted.count) {
    std::printf("memory is short: %zu fibers instead of %zu\n", room, wanted.count);
    wanted.count = room;
  }
  if (wanted.count >= fewest_to_check) return true;
  std::printf("skipped: %zu fibers are too few to tell what one costs\n", wanted.count);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  request wanted;
  if (!parse(argc, argv, wanted)) {
    std::fprintf(stderr, "usage: million_fibers [--check] [fibers] [stack KiB, 16 to 65536; with --check up to 256]\n");
    return 2;
  }
  if (wanted.check && !fit_into_memory(wanted)) return skipped_status;
  if (wanted.stack_kib != 0) return in_child(wanted, wanted.stack_kib * 1024) ? 0 : 1;
  const bool large = in_child(wanted, default_stack);
  const bool small = in_child(wanted, small_stack);
  return large && small ? 0 : 1;
}
