// What a burst of fibers leaves behind goes back to the system: while the runtime is idle, beside fibers that run, and when
// the runtime ends.
#include <atomic>   // flags
#include <chrono>   // lingers
#include <cstddef>  // size_t
#include <thread>   // yield
#include <vector>   // handles

#include <gtest/gtest.h>

#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "sched/runtime_impl.hpp"
#include "stack/depot.hpp"
#include "support/child.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::detail;
using weft::testing::expect_in_child;

constexpr std::size_t many = 3000, mark = 100, cached = 256 + 64;  // what a worker keeps for itself

void burst(weft::runtime& rt) {
  rt.run([] {
    weft::event go;
    std::vector<weft::fiber<>> all;
    std::atomic<std::size_t> started{0};
    for (std::size_t i = 0; i < many; ++i) {
      all.push_back(weft::spawn([&] {
        ++started;
        go.wait();
      }));
    }
    while (started != many) weft::this_fiber::yield();
    go.set();
    for (auto& f : all) f.join();
  });
}

TEST(StacksGivenBack, ByAnIdleRuntimeThatThenSleepsForGood) {
  for (const unsigned workers : {1U, 2U}) {
    expect_in_child([workers] {
      set_depot_high_water(mark);
      set_depot_linger(50ms);
      weft::runtime rt(weft::runtime_options{.workers = workers});
      burst(rt);
      const runtime_impl& impl = *rt.run([] { return current_worker()->rt; });
      while (read_stack_stats().depot_warm > mark || depot_due() != no_deadline) std::this_thread::yield();
      while (impl.idle.sleepers_hint() != static_cast<int>(workers)) std::this_thread::yield();
      EXPECT_GE(read_stack_stats().depot_cold, many - mark - cached * workers);
      EXPECT_EQ(rt.run([] { return 5; }), 5);
    });
  }
}

TEST(StacksGivenBack, ByAWorkerThatHasAlwaysSomethingToRun) {
  expect_in_child([] {
    set_depot_high_water(mark);
    set_depot_linger(20ms);
    weft::runtime rt(weft::runtime_options{.workers = 1});
    std::atomic<bool> enough{false};
    auto busy = rt.spawn([&] {
      while (!enough) weft::this_fiber::yield();
    });
    burst(rt);
    while (read_stack_stats().depot_warm > mark) std::this_thread::yield();
    enough = true;
    busy.join();
    EXPECT_GE(read_stack_stats().depot_cold, many - mark - cached);
  });
}

TEST(StacksGivenBack, AtOnceWhenTheRuntimeEnds) {
  expect_in_child([] {
    set_depot_high_water(mark);
    set_depot_linger(1h);
    {
      weft::runtime rt(weft::runtime_options{.workers = 2});
      burst(rt);
    }
    EXPECT_LE(read_stack_stats().depot_warm, mark);
    EXPECT_GE(read_stack_stats().depot_cold, many - mark);
  });
}

}  // namespace
