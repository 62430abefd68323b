// The figures of `parked`: reads memory and clock around the round of the workload, in this order.
#pragma once
#include <cstddef>  // size_t

#include "contenders/common/figures.hpp"
#include "contenders/common/memory.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders {

class parked_meter {
 public:
  explicit parked_meter(std::size_t fibers) : fibers_(static_cast<double>(fibers)) {}  // before the first spawn

  void all_wait() {
    us_ = watch_.us() / fibers_;
    const memory now = memory_now();
    bytes_ = (now.bytes - before_.bytes) / fibers_;
    mappings_ = now.mappings - before_.mappings;
    watch_ = stopwatch();
  }

  figures all_joined() const {
    return {{"bytes", bytes_}, {"mappings", mappings_}, {"us", us_}, {"wake_us", watch_.us() / fibers_}};
  }

 private:
  double fibers_;
  double us_ = 0, bytes_ = 0, mappings_ = 0;
  memory before_ = memory_now();
  stopwatch watch_;
};

}  // namespace contenders
