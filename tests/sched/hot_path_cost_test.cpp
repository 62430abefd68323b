// What the hot path must not do: a spawn and join of a small closure allocates nothing, and neither it nor a wake-up on
// the same worker makes a system call or changes thread.
#include <memory>     // unique_ptr
#include <optional>   // optional
#include <pthread.h>  // pthread_self
#include <vector>     // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/semaphore.hpp>

#include "allocation_count.hpp"
#include "quiet_child.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"
#include "support/scale.hpp"

namespace {

using weft::testing::allocations_so_far;
using weft::testing::expect_in_child;
using weft::testing::forbid_system_calls;
using weft::testing::stress_count;

constexpr std::size_t batch = 100;

// One at a time, joined at once; and many at once, some of which suspend.
std::size_t spawn_and_join(std::vector<weft::fiber<std::size_t>>& handles, std::size_t rounds) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    sum += weft::spawn([i, &sum] { return sum == 0 ? i : i + 1; }).join();
  }
  for (std::size_t i = 0; i < rounds; i += batch) {
    for (std::size_t k = 0; k < batch; ++k) {
      handles.push_back(weft::spawn([k] {
        if (k % 3 == 0) weft::this_fiber::yield();
        return k;
      }));
    }
    for (auto& f : handles) sum += f.join();
    handles.clear();
  }
  return sum;
}

TEST(HotPathCost, TheCounterSeesEveryKindOfAllocation) {
  const std::uint64_t before = allocations_so_far();
  std::unique_ptr<int> one = std::make_unique<int>(1);
  asm volatile("" : : "r"(one.get()) : "memory");  // else the compiler leaves the pair out
  EXPECT_EQ(allocations_so_far() - before, 1U);
  struct alignas(128) wide {
    char bytes[128];
  };
  std::unique_ptr<wide> aligned = std::make_unique<wide>();
  asm volatile("" : : "r"(aligned.get()) : "memory");
  EXPECT_EQ(allocations_so_far() - before, 2U);
}

TEST(HotPathCost, SpawnAndJoinOfASmallClosureAllocateNothing) {
  weft::run({.workers = 1}, [] {
    std::vector<weft::fiber<std::size_t>> handles;
    handles.reserve(batch);
    const std::size_t rounds = stress_count(10'000) / batch * batch;
    const std::size_t warm_up = spawn_and_join(handles, rounds);
    const std::uint64_t before = allocations_so_far();
    const std::size_t sum = spawn_and_join(handles, rounds);
    EXPECT_EQ(allocations_so_far() - before, 0U);
    EXPECT_EQ(sum, warm_up);
    // A closure that does not fit is one block, as documented; so the zero above is not a blind spot.
    const std::uint64_t before_large = allocations_so_far();
    const std::size_t large[16] = {1};
    EXPECT_EQ(weft::spawn([large] { return large[0]; }).join(), 1U);
    EXPECT_EQ(allocations_so_far() - before_large, 1U);
  });
}

TEST(HotPathCost, SpawnAndJoinMakeNoSystemCall) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers make system calls of their own";
  expect_in_child([] {
    weft::run({.workers = 1}, [] {
      std::vector<weft::fiber<std::size_t>> handles;
      handles.reserve(batch);
      const std::size_t rounds = stress_count(10'000) / batch * batch;
      const std::size_t warm_up = spawn_and_join(handles, rounds);
      forbid_system_calls();
      ::_exit(spawn_and_join(handles, rounds) == warm_up ? 0 : 1);
    });
  });
}

// Two fibers of one worker, which wake each other in turn, while another worker sleeps.
struct ping_pong {
  weft::binary_semaphore ping{0};
  weft::binary_semaphore pong{0};
  pthread_t thread = ::pthread_self();
  std::size_t hops = 0;

  void look() { hops += ::pthread_equal(::pthread_self(), thread) == 0 ? 1 : 0; }
};

// The partner's side. A partner that started on another worker, which took it, is of no use and says so.
void answer(ping_pong& game, std::optional<bool>& is_here) {
  is_here = ::pthread_equal(::pthread_self(), game.thread) != 0;
  game.pong.release();
  if (!*is_here) return;
  for (;;) {
    game.ping.acquire();
    game.look();
    game.pong.release();
  }
}

void play(ping_pong& game, std::size_t rounds) {
  for (std::size_t i = 0; i < rounds; ++i) {
    game.ping.release();
    game.pong.acquire();
    game.look();
  }
}

TEST(HotPathCost, AWakeUpOnTheSameWorkerMakesNoSystemCallAndNoThreadHop) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers make system calls of their own";
  expect_in_child([] {
    weft::run({.workers = 4}, [] {
      ping_pong game;
      std::optional<bool> is_here;
      weft::fiber<> partner;
      while (is_here != true) {
        partner = weft::spawn([&] { answer(game, is_here); });
        game.pong.acquire();
      }
      play(game, 1000);  // makes what is made on first use
      forbid_system_calls();
      play(game, stress_count(20'000));
      ::_exit(game.hops == 0 ? 0 : 1);
    });
  });
}

TEST(HotPathCost, AForbiddenSystemCallIsSeen) {
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers make system calls of their own";
  const auto result = weft::testing::run_in_child([] {
    forbid_system_calls();
    ::syscall(SYS_getppid);
  });
  if (result.skipped()) GTEST_SKIP() << "no system call filters here";
  EXPECT_EQ(WEXITSTATUS(result.status), weft::testing::called_status + SYS_getppid);
}

}  // namespace
