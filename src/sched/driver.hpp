// What a deterministic test runtime puts in the place of real time on the one thread that runs it.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint32_t

#include <weft/base/atomic.hpp>

#include "sched/park.hpp"  // time_point

namespace weft::inline v0::detail {

class driver {
 public:
  virtual ~driver() = default;
  // Runs fibers (and lets virtual time pass) until `delivered` is not 0 or the deadline is reached. Aborts with a report
  // when neither can ever happen.
  virtual void drive_until(atomic<std::uint32_t>& delivered, time_point deadline) noexcept = 0;
  virtual time_point now() noexcept = 0;
  // 0 .. n-1, for choices that the test's own thread makes.
  virtual std::size_t random_below(std::size_t) noexcept { return 0; }
};

// Of the calling thread; null nearly always.
driver* current_driver() noexcept;
void set_current_driver(driver* d) noexcept;

}  // namespace weft::inline v0::detail
