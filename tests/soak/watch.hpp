// What the soak program knows of itself: its memory and descriptors when nothing is going on, and whether they grow.
#pragma once
#include <atomic>              // counts of the loads
#include <chrono>              // steady_clock
#include <condition_variable>  // the watchdog's end
#include <cstddef>             // size_t
#include <cstdint>             // fixed-width integers
#include <memory>              // unique_ptr
#include <mutex>               // mutex
#include <string>              // string
#include <thread>              // the watchdog
#include <vector>              // vector

namespace soak {

// Taken when no load runs.
struct footprint {
  std::size_t resident_kib = 0, heap_kib = 0, descriptors = 0, mappings = 0, threads = 0;
};
footprint measure();
std::string open_descriptors();  // a line each: what they are open at

// Compares the second half of what was measured with the first, without the warm-up. \return what has grown, a line each;
// empty: nothing has
std::vector<std::string> drift(const std::vector<footprint>& quiet);
inline constexpr std::size_t least_for_drift = 5;  // footprints, below which nothing can be said

// Ends the process, with a dump of all fibers, when one of the counts stands still for long: a wake-up was lost.
class watchdog {
 public:
  struct watched {
    explicit watched(const char* load) : name(load) {}
    const char* name;
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<bool> runs{false};
  };
  watchdog(std::vector<std::unique_ptr<watched>>& loads, std::chrono::seconds patience);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  void watch();
  std::vector<std::unique_ptr<watched>>& loads_;
  const std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace soak
