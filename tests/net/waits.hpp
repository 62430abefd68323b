// Fibers that wait: knowing that they do, and stopping them.
#pragma once
#include <gtest/gtest.h>
#include <weft/sched/this_fiber.hpp>

#include "io/descriptor_slot.hpp"
#include "net/loopback.hpp"

namespace weft_test {

// Until so many fibers are parked on the descriptor.
inline void wait_until_parked(int fd, unsigned fibers) {
  while (weft::detail::count_waiting(fd) != fibers) {
    weft::this_fiber::yield();
  }
}

// Runs `wait` in a fiber, stops it once it has parked (or before: the outcome must be the same), and expects the end.
template <class F>
void expect_cancelled(F&& wait) {
  for (const bool early : {false, true}) {
    auto f = weft::spawn([&] { wait(); });
    if (!early) {
      let_others_run(50);
    }
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled) << (early ? "stopped before it ran" : "stopped while it waited");
  }
}

}  // namespace weft_test
