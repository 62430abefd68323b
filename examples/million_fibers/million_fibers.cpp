// A million fibers parked at once, each on a guarded stack of its own, and what that costs.
//
//   million_fibers [fibers] [stack KiB]      default: 1000000 fibers with 256 KiB stacks, then the same with 64 KiB
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

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

// A figure of /proc/self/status, in bytes.
double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size(), key) == 0) return std::stod(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

double resident_with_page_tables() { return status_bytes("VmRSS") + status_bytes("VmPTE"); }

long mappings() {
  std::ifstream maps("/proc/self/maps");
  long n = 0;
  for (std::string line; std::getline(maps, line);) ++n;
  return n;
}

struct shared_state {
  std::size_t parked = 0;
  std::size_t woken = 0;
  weft::event go;
};

void park_many(std::size_t count) {
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
  std::printf("\r  %zu fibers parked at once in %.1f s\n", state.parked, create);
  std::printf("  %.0f bytes resident each, page tables included; %ld more mappings\n", each,
              mappings() - mappings_before);

  const auto wake = clock_type::now();
  state.go.set();
  for (auto& f : fibers) f.join();
  std::printf("  all %zu woken, run to their end and joined in %.1f s\n", state.woken, seconds_since(wake));
}

// Each size in a process of its own, so that one does not find the other's memory warm.
bool in_child(std::size_t count, std::size_t stack_bytes) {
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
      weft::run(options, [count] { park_many(count); });
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

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 1'000'000;
  std::size_t kib = 0;
  if (argc > 3 || (argc > 1 && !parse(argv[1], count)) || (argc > 2 && !parse(argv[2], kib))) {
    std::fprintf(stderr, "usage: million_fibers [fibers] [stack KiB, 16 to 65536]\n");
    return 2;
  }
  if (kib != 0) return in_child(count, kib * 1024) ? 0 : 1;
  const bool large = in_child(count, std::size_t{256} * 1024);
  const bool small = in_child(count, std::size_t{64} * 1024);
  return large && small ? 0 : 1;
}
