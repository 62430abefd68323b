// Processor time of the whole process, user's and system's.
#pragma once
#include <chrono>  // duration
#include <ctime>   // clock_gettime
#include <thread>  // sleep_for

#include "contenders/common/errors.hpp"
#include "contenders/common/figures.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders {

inline double processor_s() {
  timespec time{};
  needed(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), "clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The figure of `idle`: called by a thread that is none of the runtime's workers once everything is parked.
inline figures idle_figures() {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // what spins before it sleeps shall have ended
  const double before = processor_s();
  const stopwatch watch;
  // What is measured is what the runtime spends while nothing happens: the time over which that is counted.
  std::this_thread::sleep_for(std::chrono::seconds(2));
  return {{"cpu_ms", (processor_s() - before) * 1e3 / watch.s()}};
}

}  // namespace contenders
