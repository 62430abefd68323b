// A started fiber never changes thread: its thread-local addresses stay true over any number of suspensions.
#include <chrono>         // durations
#include <set>            // threads seen
#include <mutex>          // lock_guard
#include <sys/syscall.h>  // SYS_gettid
#include <unistd.h>       // syscall
#include <vector>         // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

using weft::testing::stress_count;
using weft::testing::with_real_workers;
namespace this_fiber = weft::this_fiber;

thread_local int per_thread = 0;

// The address as the code generator sees it here and now: asked for through a call it cannot look into.
[[gnu::noinline]] int* address_now() {
  int* p = &per_thread;
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}
long thread_now() { return ::syscall(SYS_gettid); }

TEST(ThreadAffinity, AStartedFiberStaysOnItsThread) {
  with_real_workers([](weft::runtime& rt) {
    constexpr std::size_t fibers = 50;
    const std::size_t suspensions = stress_count(100'000) / fibers;  // 1e5 in all
    std::mutex lock;
    std::set<long> threads;
    std::vector<weft::fiber<>> all;
    for (std::size_t i = 0; i < fibers; ++i) {
      all.push_back(rt.spawn(weft::fiber_options{.migrate = weft::migration::free, .spread = i % 2 == 0}, [&, i] {
        int* const address = address_now();
        const long thread = thread_now();
        {
          const std::lock_guard hold(lock);
          threads.insert(thread);
        }
        this_fiber::set_migration(weft::migration::free);
        for (std::size_t k = 0; k < suspensions; ++k) {
          if (k % 50 == i % 50) {
            this_fiber::sleep_for(std::chrono::microseconds(10));
          } else if (k % 17 == 0) {
            weft::spawn([] {}).join();
          } else {
            this_fiber::yield();
          }
          ASSERT_EQ(thread_now(), thread);
          ASSERT_EQ(address_now(), address);
          ASSERT_EQ(&per_thread, address);
        }
      }));
    }
    for (auto& f : all) f.join();
    EXPECT_GE(threads.size(), rt.workers() == 1 ? 1U : 2U);
  });
}

}  // namespace
