// Magazines and the depot: reuse, who gives what to whom, and when pages go back.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "stack/depot.hpp"
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

std::vector<stack*> take_some(stack_cache& cache, std::size_t n, unsigned size_class = class_256k) {
  std::vector<stack*> all(n);
  for (stack*& s : all) {
    s = must_take(cache, size_class);
  }
  return all;
}

void put_all(stack_cache& cache, const std::vector<stack*>& all) {
  for (stack* const s : all) {
    cache.put(s);
  }
}

unsigned system_calls = 0;  // made by the layer while `counting` is installed
const os_calls counting = {.map =
                               [](std::size_t n, int p, void*& out) noexcept {
                                 ++system_calls;
                                 return real_os.map(n, p, out);
                               },
                           .unmap =
                               [](void* at, std::size_t n) noexcept {
                                 ++system_calls;
                                 return real_os.unmap(at, n);
                               },
                           .remap = real_os.remap,  // timers only
                           .protect =
                               [](void* at, std::size_t n, int p) noexcept {
                                 ++system_calls;
                                 return real_os.protect(at, n, p);
                               },
                           .advise =
                               [](void* at, std::size_t n, int a) noexcept {
                                 ++system_calls;
                                 return real_os.advise(at, n, a);
                               },
                           .advise_many =
                               [](const iovec* r, std::size_t n, int a, std::size_t& done) noexcept {
                                 ++system_calls;
                                 return real_os.advise_many(r, n, a, done);
                               },
                           .unlock =
                               [](void* at, std::size_t n) noexcept {
                                 ++system_calls;
                                 return real_os.unlock(at, n);
                               },
                           .residency =
                               [](void* at, std::size_t n, unsigned char* out) noexcept {
                                 ++system_calls;
                                 return real_os.residency(at, n, out);
                               },
                           .read_by_kernel =
                               [](const void* at) noexcept {
                                 ++system_calls;
                                 return real_os.read_by_kernel(at);
                               },
                           .max_mappings =
                               []() noexcept {
                                 ++system_calls;
                                 return real_os.max_mappings();
                               }};

TEST(StackClass, IsTheSmallestThatHoldsTheBytes) {
  EXPECT_EQ(stack_class_of(min_stack_size), 0U);
  EXPECT_EQ(stack_class_of(min_stack_size + 1), 1U);
  EXPECT_EQ(stack_class_of(max_stack_size), stack_classes - 1);
  for (unsigned c = 0; c < stack_classes; ++c) {
    EXPECT_EQ(stack_class_of(stack_class_bytes(c)), c);
    EXPECT_EQ(stack_class_of(stack_class_bytes(c) - 1), c);
  }
}

TEST(StackCache, ReusesTheStackPutLastWithoutSystemCalls) {
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> some = take_some(cache, 200);
    system_calls = 0;
    set_os_for_tests(&counting);
    put_all(cache, some);
    for (std::size_t i = some.size(); i-- != 0;) {
      EXPECT_EQ(must_take(cache), some[i]);
    }
    EXPECT_FALSE(cache.trim());
    EXPECT_EQ(system_calls, 0U);
  });
}

TEST(StackCache, ManyFinishingAtOnceCostNoSystemCallBeforeTrim) {
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> some = take_some(cache, 3000);
    system_calls = 0;
    set_os_for_tests(&counting);
    put_all(cache, some);
    EXPECT_EQ(system_calls, 0U);
    EXPECT_TRUE(cache.trim());
    EXPECT_GT(system_calls, 0U);
  });
}

TEST(StackCache, TopsOfNeighboursAreColouredWithinTheTopKibibyte) {
  expect_in_child([] {
    stack_cache cache;
    std::set<std::ptrdiff_t> offsets, strided;
    std::size_t i = 0;
    for (stack* const s : take_some(cache, 256)) {
      const std::ptrdiff_t below_end = s->slot + stack_slot_bytes(class_256k) - s->top();
      EXPECT_EQ(below_end % 64, 0);
      EXPECT_GE(below_end, 64);
      EXPECT_LE(below_end, 1024);
      offsets.insert(below_end);
      if (i++ % 16 == 0) {
        strided.insert(below_end);
      }
    }
    EXPECT_EQ(offsets.size(), 16U);
    EXPECT_EQ(strided.size(), 16U) << "slots 16 apart share a colour";
  });
}

TEST(StackCache, FreshStacksAreTouchedOnlyInTheirTopPage) {
  expect_in_child([] {
    stack_cache cache;
    for (const unsigned size_class : {class_16k, class_256k}) {
      for (stack* const s : take_some(cache, 10, size_class)) {
        EXPECT_EQ(stack_high_water(*s), page_bytes);
        std::byte* const page = s->limit;
        const os_calls& kernel = real_os;
        unsigned char resident = 1;
        EXPECT_EQ(kernel.residency(page, page_bytes, &resident), 0);
        EXPECT_EQ(resident & 1, 0);
      }
    }
  });
}

TEST(StackCache, KeepsAShareAndTrimsTheRestIntoTheDepot) {
  expect_in_child([] {
    stack_cache cache;
    put_all(cache, take_some(cache, 1000));
    while (cache.trim()) {
    }
    const std::size_t warm = read_stack_stats().depot_warm;
    EXPECT_GE(warm, 1000U - 256U);
    EXPECT_LE(warm, 1000U - 192U);
    stack_cache other;  // finds those before fresh ones
    const std::size_t open = read_stack_stats().slots_open;
    put_all(other, take_some(other, warm));
    EXPECT_EQ(read_stack_stats().slots_open, open);
  });
}

TEST(StackCache, DestructorReturnsEverything) {
  expect_in_child([] {
    {
      stack_cache cache;
      put_all(cache, take_some(cache, 333));
      put_all(cache, take_some(cache, 5, class_64k));
    }
    const stack_stats stats = read_stack_stats();
    EXPECT_EQ(stats.depot_warm, 338U);
    EXPECT_EQ(stats.depot_warm + stats.depot_cold, stats.slots_open);
  });
}

TEST(Depot, BeyondTheMarkPagesGoBackAndGuardsStay) {
  expect_in_child([] {
    constexpr std::size_t n = 4000, mark = 500;
    set_depot_high_water(mark);
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
      while (cache.trim()) {
      }
      const stack_stats stats = read_stack_stats();
      EXPECT_LE(stats.depot_warm, mark);
      EXPECT_GE(stats.depot_cold, n - mark - 256 - 64);
      if (!instrumented) {
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

TEST(Depot, TrimmingEndsWhenTheSystemRefusesToTakePagesBack) {
  expect_in_child([] {
    static os_calls refusing = real_os;
    refusing.advise = [](void*, std::size_t, int) noexcept { return EINVAL; };
    refusing.advise_many = [](const iovec*, std::size_t, int, std::size_t&) noexcept { return EINVAL; };
    set_depot_high_water(10);
    stack_cache cache;
    const std::vector<stack*> all = take_some(cache, 1000);
    set_os_for_tests(&refusing);
    put_all(cache, all);
    while (cache.trim()) {
    }
    EXPECT_GE(read_stack_stats().depot_warm, 1000U - 256U);  // kept warm, none lost
    set_os_for_tests(nullptr);
    while (cache.trim()) {
    }
    EXPECT_LE(read_stack_stats().depot_warm, 10U);
  });
}

TEST(Depot, DeepPagesOfSurplusStacksAreGivenBack) {
  expect_in_child([] {
    stack_cache cache;
    const std::vector<stack*> all = take_some(cache, 512);
    for (stack* const s : all) {
      *s->limit = std::byte{1};
      EXPECT_GT(stack_high_water(*s), std::size_t{190} * 1024);
    }
    put_all(cache, all);
    while (cache.trim()) {
    }
    std::size_t shallow = 0;
    for (stack* const s : all) {
      shallow += stack_high_water(*s) == page_bytes ? 1U : 0U;
    }
    EXPECT_GE(shallow, 512U - 256U);
  });
}

TEST(Depot, AStarvingCacheIsServedByTheNextTrimOfAnother) {
  expect_in_child([] {
    static os_calls exhausted = real_os;
    exhausted.map = [](std::size_t, int, void*&) noexcept { return ENOMEM; };
    exhausted.protect = [](void*, std::size_t, int) noexcept { return ENOMEM; };
    stack_cache rich, poor;
    const std::vector<stack*> all = take_some(rich, 50);
    set_os_for_tests(&exhausted);
    std::error_code error;
    while (rich.take(class_256k, error) != nullptr) {  // what it has claimed already
    }
    EXPECT_EQ(poor.take(class_256k, error), nullptr);
    EXPECT_EQ(error, std::errc::not_enough_memory);
    put_all(rich, all);
    EXPECT_EQ(poor.take(class_256k, error), nullptr);
    EXPECT_TRUE(rich.trim());
    EXPECT_TRUE(rich.empty(class_256k));
    error.clear();
    EXPECT_NE(poor.take(class_256k, error), nullptr);
    EXPECT_FALSE(error);
    EXPECT_FALSE(rich.trim()) << "the need is over";
  });
}

// Stacks change hands between threads, each through its own cache; every stack carries its own address, which nobody
// else may overwrite.
void exchange_among_threads() {
  constexpr int threads = 4, rounds = instrumented ? 60 : 400;
  set_depot_high_water(100);
  std::mutex lock;
  std::vector<stack*> exchange;
  std::vector<std::thread> all;
  std::atomic<int> damaged{0};
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      stack_cache cache;
      std::vector<stack*> mine;
      unsigned random = static_cast<unsigned>(t) * 7919U + 1;
      for (int round = 0; round < rounds; ++round) {
        for (unsigned n = random % 150; n != 0; --n) {
          std::error_code error;
          stack* const s = cache.take(class_16k, error);
          if (s == nullptr) {
            ++damaged;
            return;
          }
          *reinterpret_cast<stack**>(s->top() - sizeof s) = s;
          mine.push_back(s);
        }
        {
          const std::lock_guard hold(lock);
          mine.swap(exchange);
        }
        for (stack* const s : mine) {
          damaged += *reinterpret_cast<stack**>(s->top() - sizeof s) == s ? 0 : 1;
          cache.put(s);
        }
        mine.clear();
        cache.trim();
        random = random * 1664525U + 1013904223U;
      }
    });
  }
  for (std::thread& t : all) {
    t.join();
  }
  stack_cache rest;
  put_all(rest, exchange);
  EXPECT_EQ(damaged, 0);
}

TEST(Depot, CachesOfManyThreadsNeverShareAStack) { expect_in_child(exchange_among_threads); }

}  // namespace
}  // namespace weft::testing
