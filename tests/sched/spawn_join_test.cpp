// What goes into a fiber and what comes out of it: arguments, results of all kinds, exceptions.
#include <array>         // large values
#include <chrono>        // durations
#include <memory>        // unique_ptr
#include <numeric>       // iota
#include <stdexcept>     // exceptions
#include <string>        // values
#include <system_error>  // errc
#include <thread>        // plain threads
#include <vector>        // handles

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/instrumented.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::everywhere;
using weft::testing::stress_count;
using weft::testing::with_real_workers;

// Counts its living copies; a closure or result that is leaked or destroyed twice shows.
struct counted {
  explicit counted(std::atomic<int>& n) : alive(&n) { ++*alive; }
  counted(const counted& other) : alive(other.alive) { ++*alive; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  counted& operator=(const counted&) = default;
  ~counted() { --*alive; }
  std::atomic<int>* alive;
};

template <class F>
std::errc system_error_of(F&& f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return {};
}

TEST(SpawnJoin, ReturnsValuesOfAllSizes) {
  everywhere([] {
    EXPECT_EQ(weft::spawn([] { return 7; }).join(), 7);
    EXPECT_EQ(weft::spawn([] { return std::string(100, 'x'); }).join(), std::string(100, 'x'));
    auto large = weft::spawn([] {
      std::array<int, 5000> a{};
      std::iota(a.begin(), a.end(), 1);
      return a;
    });
    EXPECT_EQ(large.join().back(), 5000);
    static_assert(std::is_same_v<decltype(weft::spawn([] {})), weft::fiber<void>>);
    bool ran = false;
    weft::spawn([&] { ran = true; }).join();
    EXPECT_TRUE(ran);
  });
}

TEST(SpawnJoin, ReturnsReferences) {
  everywhere([] {
    int target = 1;
    weft::fiber<int&> f = weft::spawn([&]() -> int& { return target; });
    int& got = f.join();
    EXPECT_EQ(&got, &target);
  });
}

TEST(SpawnJoin, ReturnsMoveOnlyValues) {
  everywhere([] {
    EXPECT_EQ(*weft::spawn([] { return std::make_unique<int>(3); }).join(), 3);
    struct alignas(64) wide_and_move_only {
      explicit wide_and_move_only(int v) : value(std::make_unique<int>(v)) {}
      std::unique_ptr<int> value;
      char padding[200] = {};
    };
    auto wide = weft::spawn([] { return wide_and_move_only(4); });
    auto got = wide.join();
    EXPECT_EQ(*got.value, 4);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&got) % 64, 0U);
  });
}

TEST(SpawnJoin, PassesArgumentsAsStdThreadDoes) {
  everywhere([] {
    int by_reference = 1;
    std::string copied = "copied";
    auto f = weft::spawn([](int& a, std::string s, std::unique_ptr<int> p) { return std::to_string(a += *p) + s; },
                         std::ref(by_reference), copied, std::make_unique<int>(41));
    copied = "changed after the spawn";
    EXPECT_EQ(f.join(), "42copied");
    EXPECT_EQ(by_reference, 42);
    struct adder {
      int base;
      int add(int n) const { return base + n; }
    };
    const adder a{5};
    EXPECT_EQ(weft::spawn(&adder::add, &a, 6).join(), 11);
    EXPECT_EQ(weft::spawn(
                  weft::fiber_options{.name = "named"}, [](int n) { return n; }, 8)
                  .join(),
              8);
  });
}

TEST(SpawnJoin, LargeClosuresArrive) {
  everywhere([] {
    std::array<std::uint64_t, 1000> big{};
    std::iota(big.begin(), big.end(), 0);
    auto f = weft::spawn([big] { return std::accumulate(big.begin(), big.end(), std::uint64_t{0}); });
    big.fill(0);
    EXPECT_EQ(f.join(), 999U * 1000 / 2);
    struct alignas(128) aligned {
      int value = 9;
    };
    EXPECT_TRUE(weft::spawn([a = aligned{}] {
                  return reinterpret_cast<std::uintptr_t>(&a) % 128 == 0 && a.value == 9;
                }).join());
  });
}

TEST(SpawnJoin, ClosuresAndResultsAreDestroyedOnce) {
  std::atomic<int> alive{0};
  everywhere([&] {
    weft::spawn([c = counted(alive)] { EXPECT_GE(c.alive->load(), 1); }).join();
    {
      const counted result = weft::spawn([&alive] { return counted(alive); }).join();
    }
    weft::spawn([c = counted(alive), pad = std::array<char, 200>{}] { return static_cast<int>(pad[0]); }).join();
    {
      const auto unjoined_result = weft::spawn([&alive] { return counted(alive); });
    }
    weft::spawn(weft::fiber_options{.name = "boxed"}, [c = counted(alive)] {}).join();
  });
  EXPECT_EQ(alive.load(), 0);
}

// The closure is gone before the join returns: what it holds may be needed right after.
TEST(SpawnJoin, TheClosureIsDestroyedBeforeTheJoinReturns) {
  everywhere([] {
    auto shared = std::make_shared<int>(1);
    auto f = weft::spawn([shared] { weft::this_fiber::yield(); });
    f.join();
    EXPECT_EQ(shared.use_count(), 1);
  });
}

struct throws_on_copy {
  explicit throws_on_copy(std::atomic<int>& n) : inner(n) {}
  throws_on_copy(const throws_on_copy& other) : inner(other.inner) { throw std::runtime_error("copy"); }
  counted inner;
  char padding[100] = {};
  void operator()() const {}
};
struct small_throws_on_copy {
  explicit small_throws_on_copy(std::atomic<int>& n) : inner(n) {}
  small_throws_on_copy(const small_throws_on_copy& other) : inner(other.inner) { throw std::runtime_error("copy"); }
  small_throws_on_copy(small_throws_on_copy&& other) noexcept : inner(other.inner) {}
  counted inner;
  void operator()() const {}
};

TEST(SpawnJoin, AClosureWhoseCopyThrowsLeavesNothingBehind) {
  std::atomic<int> alive{0};
  everywhere([&] {
    const throws_on_copy large(alive);
    const small_throws_on_copy small(alive);
    for (int i = 0; i < 10; ++i) {
      EXPECT_THROW((void)weft::spawn(large), std::runtime_error);
      EXPECT_THROW((void)weft::spawn(small), std::runtime_error);
      EXPECT_THROW((void)weft::spawn(weft::fiber_options{.name = "x"}, small), std::runtime_error);
      EXPECT_THROW((void)weft::spawn([](const auto&) {}, large), std::runtime_error);
    }
    EXPECT_EQ(weft::spawn([] { return 1; }).join(), 1);
  });
  EXPECT_EQ(alive.load(), 0);
}

TEST(SpawnJoin, AResultWhoseMoveThrowsReachesTheJoinerAsItsException) {
  struct fragile {
    fragile() = default;
    fragile(fragile&&) { throw std::runtime_error("move"); }  // so it is kept on the heap, and moved out by join()
  };
  everywhere([] {
    auto f = weft::spawn([] { return fragile(); });
    EXPECT_THROW((void)f.join(), std::runtime_error);
    EXPECT_FALSE(f.joinable());
  });
}

TEST(SpawnJoin, ExceptionsComeThroughTheJoin) {
  everywhere([] {
    auto f = weft::spawn([]() -> int { throw std::out_of_range("far"); });
    try {
      f.join();
      ADD_FAILURE() << "nothing thrown";
    } catch (const std::out_of_range& e) {
      EXPECT_STREQ(e.what(), "far");
    }
    EXPECT_FALSE(f.joinable());
    auto odd = weft::spawn([] { throw 5; });
    EXPECT_THROW(odd.join(), int);
    auto nested = weft::spawn([] { weft::spawn([] { throw std::runtime_error("deep"); }).join(); });
    EXPECT_THROW(nested.join(), std::runtime_error);
  });
}

TEST(SpawnJoin, ManyFibersOfEachKind) {
  // 36 have each combination of the three but the last one.
  everywhere({.real = 300, .seeded = 36}, [](std::size_t count) {
    std::vector<weft::fiber<std::size_t>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(weft::spawn([i]() -> std::size_t {
        if (i % 3 == 0) weft::this_fiber::yield();
        if (i % 5 == 0) weft::this_fiber::sleep_for(std::chrono::microseconds(i));
        if (i % 7 == 0) throw i;
        return i;
      }));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i % 7 == 0) {
        EXPECT_THROW((void)all[i].join(), std::size_t);
      } else {
        EXPECT_EQ(all[i].join(), i);
      }
    }
  });
}

TEST(SpawnJoin, MisuseIsASystemError) {
  everywhere([] {
    weft::fiber<int> none;
    EXPECT_FALSE(none.joinable());
    EXPECT_EQ(none.get_id(), weft::fiber_id{});
    EXPECT_EQ(system_error_of([&] { none.join(); }), std::errc::invalid_argument);
    EXPECT_EQ(system_error_of([&] { (void)none.join_for(1ms); }), std::errc::invalid_argument);
    EXPECT_EQ(system_error_of([&] { none.detach(); }), std::errc::invalid_argument);
    none.request_stop();
    EXPECT_FALSE(none.get_stop_token().stop_possible());

    auto once = weft::spawn([] { return 1; });
    EXPECT_EQ(once.join(), 1);
    EXPECT_EQ(system_error_of([&] { once.join(); }), std::errc::invalid_argument);

    auto moved_from = weft::spawn([] { return 2; });
    auto moved_to = std::move(moved_from);
    EXPECT_FALSE(moved_from.joinable());  // NOLINT: what a moved-from handle says is the point
    EXPECT_EQ(system_error_of([&] { moved_from.join(); }), std::errc::invalid_argument);
    EXPECT_EQ(moved_to.join(), 2);
  });
}

TEST(SpawnJoin, AFiberCannotJoinItself) {
  for (const bool timed : {false, true}) {
    everywhere([timed] {
      weft::fiber<std::errc> self;
      std::atomic<bool> may_start{false};
      self = weft::spawn([&] {
        while (!may_start) weft::this_fiber::yield();
        return system_error_of([&] { timed ? static_cast<void>(self.join_for(1s)) : static_cast<void>(self.join()); });
      });
      may_start = true;
      while (self.joinable() && !self.join_for(1h)) {
      }
      EXPECT_EQ(self.join(), std::errc::resource_deadlock_would_occur);
    });
  }
}

TEST(SpawnJoin, JoinForTellsWhetherItEnded) {
  everywhere([] {
    auto slow = weft::spawn([] {
      weft::this_fiber::sleep_for(30ms);
      return 3;
    });
    EXPECT_FALSE(slow.join_for(1ms));
    EXPECT_FALSE(slow.join_for(0ms));
    EXPECT_FALSE(slow.join_for(-1h));
    EXPECT_TRUE(slow.joinable());
    EXPECT_TRUE(slow.join_for(std::chrono::hours::max()));
    EXPECT_TRUE(slow.join_for(0ms));  // ended already: also without time
    EXPECT_TRUE(slow.join_until(std::chrono::steady_clock::time_point{}));
    EXPECT_EQ(slow.join(), 3);

    auto failing = weft::spawn([] { throw 1; });
    EXPECT_TRUE(failing.join_for(1h));  // never rethrows
    EXPECT_TRUE(failing.joinable());
    EXPECT_THROW(failing.join(), int);
  });
}

// A deadline that has passed when it is looked at is no wait, and this loop then lets nobody run. Seen with qemu-user on
// ppc64le, where the arithmetic of durations calls a library and took longer than these microseconds: there they are more.
constexpr std::size_t microseconds_each = weft::testing::emulated ? 100 : 1;

// A fiber that ends at the very moment its joiner gives up: neither may get lost.
TEST(SpawnJoin, TimeoutsAndEndsMayCoincide) {
  everywhere({.real = 50, .seeded = 10}, [](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto f = weft::spawn([i] {
        weft::this_fiber::sleep_for(std::chrono::microseconds(i % 10 * microseconds_each));
        return i;
      });
      while (!f.join_for(std::chrono::microseconds((i % 7 + 1) * microseconds_each))) {
      }
      EXPECT_EQ(f.join(), i);
    }
  });
}

TEST(SpawnJoin, SpawningOutsideARuntimeIsRefused) {
  EXPECT_EQ(system_error_of([] { (void)weft::spawn([] {}); }), std::errc::operation_not_permitted);
}

TEST(SpawnJoin, ManyPlainThreadsSpawnAtOnce) {
  with_real_workers([](weft::runtime& rt) {
    constexpr std::size_t threads = 4;
    const std::size_t each = stress_count(2000);
    std::atomic<std::size_t> ran{0};
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
      all.emplace_back([&rt, &ran, each] {
        std::size_t sum = 0;
        std::vector<weft::fiber<std::size_t>> mine;
        for (std::size_t i = 0; i < each; ++i) {
          mine.push_back(rt.spawn([&ran, i] {
            ++ran;
            if (i % 16 == 0) weft::this_fiber::yield();
            return i;
          }));
          if (i % 3 == 0) {
            sum += mine.back().join();
            mine.pop_back();
          }
        }
        for (auto& f : mine) sum += f.join();
        EXPECT_EQ(sum, each * (each - 1) / 2);
      });
    }
    for (auto& t : all) t.join();
    EXPECT_EQ(ran.load(), threads * each);
  });
}

TEST(SpawnJoin, OneHundredThousandFibers) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t count = stress_count(100'000);
    const std::size_t sum = rt.run([count] {
      std::vector<weft::fiber<std::size_t>> all;
      all.reserve(count);
      for (std::size_t i = 0; i < count; ++i) all.push_back(weft::spawn([i] { return i; }));
      std::size_t total = 0;
      for (auto& f : all) total += f.join();
      return total;
    });
    EXPECT_EQ(sum, count * (count - 1) / 2);
  });
}

// A tree of 2^16 fibers, each joining its two children.
std::size_t leaves(unsigned depth) {
  if (depth == 0) return 1;
  auto left = weft::spawn(leaves, depth - 1);
  auto right = weft::spawn(leaves, depth - 1);
  return left.join() + right.join();
}
TEST(SpawnJoin, ADeepTree) {
  with_real_workers([](weft::runtime& rt) {
    constexpr unsigned depth = weft::testing::instrumented ? 10 : 16;
    EXPECT_EQ(rt.run([] { return leaves(depth); }), std::size_t{1} << depth);
  });
  weft::testing::under_seeds([](weft::testing::test_runtime& rt) { EXPECT_EQ(rt.run([] { return leaves(6); }), 64U); });
}

}  // namespace
