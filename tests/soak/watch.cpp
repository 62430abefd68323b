#include "watch.hpp"

#include <algorithm>   // nth_element
#include <cstdlib>     // abort
#include <filesystem>  // directory_iterator
#include <fstream>     // /proc
#include <iostream>    // cerr
#include <malloc.h>    // mallinfo2

#include <weft/debug/dump.hpp>

namespace soak {
namespace {

using namespace std::chrono_literals;

std::size_t entries(const char* folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

std::size_t lines(const char* file) {
  std::ifstream in(file);
  std::size_t n = 0;
  for (std::string line; std::getline(in, line);) ++n;
  return n;
}

struct limit {
  const char* name;
  std::size_t footprint::*value;
  double factor;       // how much larger the later median may be,
  std::size_t beyond;  // and this on top
};
// Picked above what the allocator's arenas and the pool of blocking calls vary by themselves. No descriptor may be lost.
constexpr limit limits[] = {
    {"resident KiB", &footprint::resident_kib, 1.05, 4096},
    {"KiB of heap in use", &footprint::heap_kib, 1.05, 512},
    {"descriptors", &footprint::descriptors, 1, 0},
    {"mappings", &footprint::mappings, 1.1, 16},
    {"threads", &footprint::threads, 1, 4},
};

using iterator = std::vector<footprint>::const_iterator;
std::size_t median(iterator first, iterator last, std::size_t footprint::*value) {
  std::vector<std::size_t> values;
  for (; first != last; ++first) values.push_back((*first).*value);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

footprint measure() {
  const struct mallinfo2 heap = ::mallinfo2();
  return {.resident_kib = resident_kib(),
          .heap_kib = (heap.uordblks + heap.hblkhd) / 1024,
          .descriptors = entries("/proc/self/fd") - 1,  // less that of the look
          .mappings = lines("/proc/self/maps"),
          .threads = entries("/proc/self/task")};
}

std::string open_descriptors() {
  std::string listed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    listed +=
        "  " + entry.path().filename().string() + ": " + std::filesystem::read_symlink(entry, gone).string() + "\n";
  }
  return listed;
}

std::vector<std::string> drift(const std::vector<footprint>& quiet) {
  std::vector<std::string> grown;
  if (quiet.size() < least_for_drift) return grown;
  const auto warm = static_cast<std::ptrdiff_t>(std::max<std::size_t>(1, quiet.size() / 5));
  const iterator first = quiet.begin() + warm;
  const iterator middle = first + (quiet.end() - first) / 2;
  for (const limit& l : limits) {
    const std::size_t before = median(first, middle, l.value), after = median(middle, quiet.end(), l.value);
    if (static_cast<double>(after) > static_cast<double>(before) * l.factor + static_cast<double>(l.beyond))
      grown.push_back(std::string(l.name) + ": " + std::to_string(before) + ", later " + std::to_string(after));
  }
  return grown;
}

watchdog::watchdog(std::vector<std::unique_ptr<watched>>& loads, std::chrono::seconds patience)
    : loads_(loads), patience_(patience), thread_([this] { watch(); }) {}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void watchdog::watch() {
  std::vector<std::uint64_t> seen(loads_.size());
  std::vector<std::chrono::steady_clock::time_point> since(loads_.size(), std::chrono::steady_clock::now());
  constexpr auto between_looks = 200ms;
  for (std::unique_lock lock(mutex_); !wake_.wait_for(lock, between_looks, [this] { return ends_; });) {
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      const std::uint64_t rounds = loads_[i]->rounds.load();
      if (rounds != seen[i] || !loads_[i]->runs.load()) {
        seen[i] = rounds;
        since[i] = now;
      } else if (now - since[i] > patience_) {
        std::cerr << "soak: FAILED: '" << loads_[i]->name << "' has done nothing for " << patience_.count()
                  << " s, after " << rounds << " rounds. All fibers:\n";
        weft::debug::dump(std::cerr);
        std::abort();  // a core has the rest
      }
    }
  }
}

}  // namespace soak
