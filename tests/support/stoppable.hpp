// Joins fibers that a test has stopped: cancellation is one of the ends it expects.
#pragma once
#include <vector>  // fibers

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/fiber.hpp>

namespace weft::testing {

// \return false: it ended by cancellation
inline bool join_stopped(fiber<>& f) {
  try {
    f.join();
    return true;
  } catch (const cancelled&) {
    return false;
  }
}

// \return how many ended by cancellation
inline int join_all(std::vector<fiber<>>& fibers) {
  int stopped = 0;
  for (auto& f : fibers) stopped += join_stopped(f) ? 0 : 1;
  return stopped;
}

}  // namespace weft::testing
