// The depot: what stays warm for how long, when pages go back, and by whom.
#include <gtest/gtest.h>

#include <chrono>      // lingers
#include <cstddef>     // byte
#include <set>         // slots
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork
#include <utility>     // exchange
#include <vector>      // stacks

#include "stack/depot.hpp"
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using namespace weft::detail;
using std::chrono::steady_clock;

// All that is due, as a worker does before it sleeps.
void tend_all(stack_cache& cache) {
  while (cache.trim() || tend_depot()) {
  }
}

// Of one slab, and all that is opened in it: what is left of an opened batch would be taken first. With 32 bits slabs are small.
constexpr std::size_t many = sizeof(void*) == 8 ? 4000 : 448;

TEST(Depot, BeyondTheMarkPagesOfSettledStacksGoBackAndGuardsStay) {
  expect_in_child([] {
    constexpr std::size_t n = many, mark = many / 8;
    set_depot_high_water(mark);
    set_depot_linger(0s);
    {
      stack_cache cache;
      const std::vector<stack*> all = take_some(cache, n);
      std::set<std::byte*> slots;
      for (stack* const s : all) {
        s->top()[-1] = std::byte{0x5a};
        slots.insert(s->slot);
      }
      const std::size_t full = status_bytes("VmRSS");
      put_all(cache, all);
      tend_all(cache);
      const stack_stats stats = read_stack_stats();
      EXPECT_LE(stats.depot_warm, mark);
      EXPECT_GE(stats.depot_cold, n - mark - 256 - 64);
      if (!instrumented && n > 1000) {  // of fewer the pages of the heap would drown them
        EXPECT_LE(status_bytes("VmRSS"), full - (n - mark - 256 - 64) * 4096 / 10 * 9);
      }
      // Cooled slots come back as stacks before any new one is opened: guarded, and with nothing on them.
      std::size_t clean = 0;
      for (stack* const s : take_some(cache, n)) {
        EXPECT_EQ(slots.erase(s->slot), 1U);
        EXPECT_TRUE(guarded(*s));
        clean += s->top()[-1] == std::byte{0} ? 1U : 0U;
        cache.put(s);
        must_take(cache);
      }
      EXPECT_GE(clean, n - mark - 256 - 64);
      EXPECT_TRUE(slots.empty());
      EXPECT_LE(read_stack_stats().slots_open, stats.slots_open + 64);
    }
  });
}

TEST(Depot, TendingEndsWhenTheSystemRefusesToTakePagesBack) {
  expect_in_child([] {
    static os_calls refusing = real_os;
    refusing.advise = [](void*, std::size_t, int) noexcept { return EINVAL; };
    refusing.advise_many = [](const iovec*, std::size_t, int, std::size_t&) noexcept { return EINVAL; };
    set_depot_high_water(10);
    set_depot_linger(0s);
    stack_cache cache;
    const std::vector<stack*> all = take_some(cache, 1000);
    set_os_for_tests(&refusing);
    put_all(cache, all);
    tend_all(cache);
    EXPECT_GE(read_stack_stats().depot_warm, 1000U - 256U);  // kept warm, none lost
    set_os_for_tests(nullptr);
    tend_all(cache);
    EXPECT_LE(read_stack_stats().depot_warm, 10U);
  });
}

TEST(Depot, DeepPagesOfSettledStacksAreGivenBack) {
  expect_in_child([] {
    set_depot_linger(0s);
    stack_cache cache;
    const std::vector<stack*> all = take_some(cache, 512);
    for (stack* const s : all) {
      *s->limit = std::byte{1};
      EXPECT_GT(stack_high_water(*s), std::size_t{190} * 1024);
    }
    put_all(cache, all);
    tend_all(cache);
    std::size_t shallow = 0;
    for (stack* const s : all) {
      shallow += stack_high_water(*s) == page_bytes ? 1U : 0U;
    }
    EXPECT_GE(shallow, 512U - 256U);
  });
}

TEST(Depot, WhatIsAskedForAgainWithinTheLingerKeepsItsPages) {
  expect_in_child([] {
    set_depot_high_water(100);
    set_depot_linger(1h);
    stack_cache cache;
    const std::vector<stack*> all = take_some(cache, many);
    for (stack* const s : all) {
      s->top()[-1] = std::byte{0x5a};
    }
    system_calls = 0;
    set_os_for_tests(&counting);
    for (int burst = 0; burst < 3; ++burst) {
      put_all(cache, all);
      tend_all(cache);
      std::size_t kept = 0;
      for (stack* const s : take_some(cache, many)) {
        kept += s->top()[-1] == std::byte{0x5a} ? 1U : 0U;
      }
      EXPECT_EQ(kept, many);
    }
    EXPECT_EQ(system_calls, 0U);
  });
}

TEST(Depot, StacksSettleAfterTheLingerAndThenNothingIsDue) {
  expect_in_child([] {
    constexpr auto linger = 50ms;
    set_depot_high_water(100);
    set_depot_linger(linger);
    stack_cache cache;
    EXPECT_EQ(depot_due(), steady_clock::time_point::max());
    put_all(cache, take_some(cache, 1000));
    const auto put = steady_clock::now();
    tend_all(cache);
    const auto due = depot_due();
    EXPECT_GE(due, put + linger / 2);
    EXPECT_LE(due, steady_clock::now() + linger);
    while (read_stack_stats().depot_warm > 100) {
      tend_all(cache);
    }
    EXPECT_GE(steady_clock::now() - put, linger);
    while (depot_due() != steady_clock::time_point::max()) {
      tend_all(cache);
    }
    EXPECT_FALSE(tend_depot());
  });
}

// What is used again and again does not hold back what is not: the caches take from the young ones.
TEST(Depot, StacksThatOthersDoWithoutSettleInTheMidstOfTraffic) {
  expect_in_child([] {
    set_depot_high_water(0);
    set_depot_linger(20ms);
    stack_cache cache;
    put_all(cache, take_some(cache, 3000));
    tend_all(cache);
    while (read_stack_stats().depot_cold < 2000) {
      put_all(cache, take_some(cache, 500));  // more than the cache keeps
      tend_all(cache);
    }
    EXPECT_FALSE(cache.empty(class_256k));
  });
}

TEST(Depot, ShrinksToTheMarkAtOnceHoweverLatelyUsed) {
  expect_in_child([] {
    set_depot_high_water(100);
    set_depot_linger(1h);
    stack_cache cache;
    put_all(cache, take_some(cache, 1000));
    cache.return_all();
    EXPECT_GE(read_stack_stats().depot_warm, 1000U);
    shrink_depot();
    EXPECT_LE(read_stack_stats().depot_warm, 100U);
    EXPECT_GT(read_stack_stats().depot_warm, 100U - 64U);
  });
}

// Many stacks that are due, and the first call that gives pages back calls `meanwhile`.
void expect_while_tending(bool (*meanwhile)()) {
  static bool (*call)();
  static bool called, result;
  call = meanwhile;
  called = result = false;
  static os_calls calling = real_os;
  calling.advise_many = [](const iovec* r, std::size_t n, int a, std::size_t& done) noexcept {
    if (!std::exchange(called, true)) {
      result = call();
    }
    return real_os.advise_many(r, n, a, done);
  };
  set_depot_high_water(10);
  set_depot_linger(0s);
  stack_cache cache;
  put_all(cache, take_some(cache, 1000));
  cache.return_all();
  set_os_for_tests(&calling);
  while (!called && tend_depot()) {
  }
  EXPECT_TRUE(called);
  EXPECT_TRUE(result);
}

TEST(Depot, IsTendedByOneThreadAtATime) {
  expect_in_child([] { expect_while_tending([] { return !tend_depot(); }); });
}

TEST(Depot, IsTendedInAChildThatWasForkedWhileSomebodyTended) {
  expect_in_child([] {
    expect_while_tending([] {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(tend_depot() ? 0 : 1);
      int status = -1;
      return ::waitpid(child, &status, 0) == child && status == 0;
    });
  });
}

}  // namespace
}  // namespace weft::testing
