// Stacks run out: fibers wait for one that comes back; when none ever will, their joins say so. Nothing aborts.
#include <atomic>        // the shortage
#include <chrono>        // durations
#include <sys/mman.h>    // ENOMEM
#include <system_error>  // errc
#include <cerrno>        // ENOMEM
#include <vector>        // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "stack/os.hpp"
#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::os_calls;
using weft::detail::real_os;
using weft::detail::set_os_for_tests;
using weft::testing::expect_in_child;
namespace this_fiber = weft::this_fiber;

// Opening slots and mapping slabs fails while this is set. A class of stacks that nobody else in the process uses has
// no free ones then.
std::atomic<bool> shortage{false};

int failing_map(std::size_t bytes, int protection, void*& out) noexcept {
  return shortage ? ENOMEM : real_os.map(bytes, protection, out);
}
int failing_protect(void* at, std::size_t bytes, int protection) noexcept {
  return shortage && (protection & PROT_WRITE) != 0 ? ENOMEM : real_os.protect(at, bytes, protection);
}

os_calls with_shortages() {
  os_calls calls = real_os;
  calls.map = failing_map;
  calls.protect = failing_protect;
  return calls;
}

constexpr std::size_t rare_size = std::size_t{2} * 1024 * 1024;

template <class F>
std::errc error_of(F&& join) {
  try {
    join();
  } catch (const std::system_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return {};
}

// All slots of the first slab are taken first, so that the next stack needs the system.
std::vector<weft::fiber<>> take_stacks_until_none_is_left(std::atomic<bool>& release) {
  std::vector<weft::fiber<>> holders;
  shortage = true;
  for (;;) {
    std::atomic<bool> started{false};
    auto f = weft::spawn(weft::fiber_options{.stack_size = rare_size}, [&started, &release] {
      started = true;
      while (!release) this_fiber::sleep_for(1ms);
    });
    for (int i = 0; i < 50 && !started; ++i) this_fiber::sleep_for(1ms);
    if (!started) {
      // It refers to a flag of this frame: let it have its stack.
      shortage = false;
      while (!started) this_fiber::sleep_for(1ms);
      shortage = true;
      holders.push_back(std::move(f));
      return holders;
    }
    holders.push_back(std::move(f));
  }
}

TEST(StackShortage, AFiberWaitsUntilAStackComesBack) {
  expect_in_child([] {
    const os_calls calls = with_shortages();
    set_os_for_tests(&calls);
    for (const unsigned workers : {1U, 2U}) {
      shortage = false;
      weft::run(weft::runtime_options{.workers = workers}, [] {
        std::atomic<bool> release{false};
        auto holders = take_stacks_until_none_is_left(release);
        // Whatever slots the last moment without shortage has opened are used up, too.
        std::vector<weft::fiber<int>> waiting;
        for (int i = 0; i < 200; ++i) {
          waiting.push_back(weft::spawn(weft::fiber_options{.stack_size = rare_size}, [i] { return i; }));
        }
        this_fiber::sleep_for(5ms);
        release = true;
        for (auto& f : holders) f.join();
        for (int i = 0; i < 200; ++i) EXPECT_EQ(waiting[static_cast<std::size_t>(i)].join(), i);
      });
    }
  });
}

// Without a single stack in the whole runtime nothing will come back.
TEST(StackShortage, WithoutAnyStackTheJoinSaysSo) {
  expect_in_child([] {
    const os_calls calls = with_shortages();
    set_os_for_tests(&calls);
    std::size_t unused_size = rare_size;  // a size of which no earlier runtime has left free stacks
    for (const unsigned workers : weft::testing::worker_counts) {
      weft::runtime rt(weft::runtime_options{.workers = workers, .stack_size = unused_size});
      unused_size *= 2;
      shortage = true;
      bool closure_destroyed = false;
      struct sets_flag {
        bool* flag;
        ~sets_flag() {
          if (flag != nullptr) *flag = true;
        }
        explicit sets_flag(bool& f) : flag(&f) {}
        sets_flag(sets_flag&& other) noexcept : flag(std::exchange(other.flag, nullptr)) {}
      };
      auto f = rt.spawn([held = sets_flag(closure_destroyed)] {});
      EXPECT_TRUE(f.join_for(20s));
      EXPECT_EQ(error_of([&] { f.join(); }), std::errc::not_enough_memory);
      EXPECT_TRUE(closure_destroyed);
      shortage = false;
      EXPECT_EQ(rt.run([] { return 1; }), 1);  // and afterwards all is well
    }
  });
}

}  // namespace
