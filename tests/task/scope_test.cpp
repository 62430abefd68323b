// Scopes: children end before them, the first failure stops the rest and is rethrown, stops travel down the tree.
#include <array>         // results
#include <atomic>        // counters
#include <chrono>        // durations
#include <memory>        // shared_ptr, unique_ptr
#include <stdexcept>     // runtime_error
#include <string>        // results
#include <system_error>  // operation_not_permitted

#include <gtest/gtest.h>

#include <weft/sched/fiber_local.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/mutex.hpp>
#include <weft/task/scope.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

struct boom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Counts what ended by cancellation.
struct unwound {
  std::atomic<int>& n;
  ~unwound() { ++n; }
};

TEST(Scope, WaitsForItsChildren) {
  everywhere([] {
    std::atomic<int> ended{0};
    {
      weft::scope s;
      for (int i = 0; i < 20; ++i) {
        s.spawn([&, i] {
          for (int k = 0; k < i % 4; ++k) this_fiber::yield();
          ++ended;
        });
      }
    }
    EXPECT_EQ(ended, 20);
  });
}

TEST(Scope, JoinCanBeRepeatedWithNewChildren) {
  everywhere([] {
    std::atomic<int> ended{0};
    weft::scope s;
    s.join();
    for (int round = 1; round <= 3; ++round) {
      s.spawn([&] { ++ended; });
      s.spawn([&](int n) { ended += n; }, 1);
      s.join();
      EXPECT_EQ(ended, 2 * round);
    }
  });
}

TEST(Scope, ChildrenSpawnSiblings) {
  everywhere([] {
    std::atomic<int> ended{0};
    weft::scope s;
    struct tree {
      weft::scope& in;
      std::atomic<int>& ended;
      void grow(int depth) const {
        if (depth > 0) {
          for (int i = 0; i < 2; ++i) in.spawn([*this, depth] { grow(depth - 1); });
        }
        ++ended;
      }
    };
    tree{s, ended}.grow(6);
    s.join();
    EXPECT_EQ(ended, 127);
  });
}

TEST(Scope, TheFirstFailureStopsTheSiblingsAndIsRethrown) {
  everywhere([] {
    std::atomic<int> stopped{0};
    weft::scope s;
    for (int i = 0; i < 5; ++i) {
      s.spawn([&] {
        const unwound count{stopped};
        wait_for_stop();
      });
    }
    s.spawn([] { throw boom("first"); });
    EXPECT_THROW(
        try { s.join(); } catch (const boom& e) {
          EXPECT_STREQ(e.what(), "first");
          throw;
        },
        boom);
    EXPECT_EQ(stopped, 5);
    EXPECT_TRUE(s.stop_requested());
    s.join();  // the failure was taken
  });
}

TEST(Scope, OfTwoFailuresTheFirstIsRethrown) {
  everywhere([] {
    weft::scope s;
    s.spawn([&] {
      try {
        wait_for_stop();
      } catch (const weft::cancelled&) {
        throw boom("second");
      }
    });
    s.spawn([] { throw boom("first"); });
    try {
      s.join();
      ADD_FAILURE() << "join() returned";
    } catch (const boom& e) {
      EXPECT_STREQ(e.what(), "first");
    }
  });
}

TEST(Scope, RequestStopIsNoFailure) {
  everywhere([] {
    std::atomic<int> stopped{0};
    weft::scope s;
    for (int i = 0; i < 4; ++i) {
      s.spawn([&] {
        const unwound count{stopped};
        wait_for_stop();
      });
    }
    s.request_stop();
    s.request_stop();
    s.join();
    EXPECT_EQ(stopped, 4);
    s.spawn([&] {  // born stopped: it runs, and its first cancellation point throws
      const unwound count{stopped};
      this_fiber::check_stop();
      ADD_FAILURE() << "not stopped";
    });
    s.join();
    EXPECT_EQ(stopped, 5);
  });
}

TEST(Scope, ACancelledNobodyAskedForIsAFailure) {
  everywhere([] {
    weft::scope s;
    s.spawn([] { throw weft::cancelled{}; });
    EXPECT_THROW(s.join(), weft::cancelled);
  });
}

TEST(Scope, AStopOfTheOwnerReachesTheWholeTree) {
  everywhere([] {
    std::atomic<int> stopped{0};
    std::atomic<int> waiting{0};
    auto owner = weft::spawn([&] {
      weft::scope outer;
      for (int i = 0; i < 3; ++i) {
        outer.spawn([&] {
          weft::scope inner;
          for (int k = 0; k < 3; ++k) {
            inner.spawn([&] {
              const unwound count{stopped};
              ++waiting;
              wait_for_stop();
            });
          }
          inner.join();
        });
      }
      outer.join();
    });
    while (waiting != 9) this_fiber::yield();
    owner.request_stop();
    EXPECT_THROW(owner.join(), weft::cancelled);
    EXPECT_EQ(stopped, 9);
  });
}

TEST(Scope, AStopReachesChildrenWhileTheOwnerCannotBeInterrupted) {
  everywhere([] {
    weft::event all_stopped, go_on;
    std::atomic<int> waiting{0};
    auto owner = weft::spawn([&] {
      weft::scope s;
      s.spawn([&] {
        ++waiting;
        try {
          wait_for_stop();
        } catch (const weft::cancelled&) {
          all_stopped.set();
          throw;
        }
      });
      const weft::cancel_shield shield;
      go_on.wait();  // the owner itself does not see the stop
      s.join();
    });
    while (waiting != 1) this_fiber::yield();
    owner.request_stop();
    all_stopped.wait();
    go_on.set();
    EXPECT_THROW(owner.join(), weft::cancelled);  // from s.join(): the child's work is missing
  });
}

TEST(Scope, InAShieldIsNotReachedFromOutside) {
  everywhere([] {
    weft::event inside, go_on;
    std::atomic<bool> finished{false};
    auto owner = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        weft::scope s;
        s.spawn([&] {
          inside.set();
          go_on.wait();
          finished = true;
        });
        s.join();
      }
      wait_for_stop();
    });
    inside.wait();
    owner.request_stop();
    go_on.set();
    EXPECT_THROW(owner.join(), weft::cancelled);
    EXPECT_TRUE(finished);
  });
}

TEST(Scope, UnwindingStopsTheChildrenAndWaits) {
  everywhere([] {
    std::atomic<int> stopped{0};
    EXPECT_THROW(
        {
          weft::scope s;
          for (int i = 0; i < 3; ++i) {
            s.spawn([&] {
              const unwound count{stopped};
              wait_for_stop();
            });
          }
          throw boom("outside");
        },
        boom);
    EXPECT_EQ(stopped, 3);
  });
}

TEST(Scope, ForkGivesAHandleAndDroppingItLeavesTheChild) {
  everywhere([] {
    std::atomic<bool> ended{false};
    weft::scope s;
    auto answer = s.fork([](int a, int b) { return a * b; }, 6, 7);
    {
      auto dropped = s.fork([&] {
        this_fiber::yield();
        ended = true;
        return std::make_unique<int>(1);
      });
    }
    EXPECT_EQ(answer.join(), 42);
    s.join();
    EXPECT_TRUE(ended);
  });
}

TEST(Scope, AForkThatFailsTellsBoth) {
  everywhere([] {
    weft::scope s;
    auto f = s.fork([]() -> int { throw boom("fork"); });
    EXPECT_THROW(f.join(), boom);
    EXPECT_THROW(s.join(), boom);
    {
      auto dropped = s.fork([] {});
    }
    s.join();
  });
}

TEST(Scope, AForkCanBeStoppedAlone) {
  everywhere([] {
    weft::scope s;
    std::atomic<bool> other_ended{false};
    auto f = s.fork([] { wait_for_stop(); });
    s.spawn([&] { other_ended = true; });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    s.join();  // asked for: no failure
    EXPECT_TRUE(other_ended);
  });
}

TEST(Scope, OptionsAndMoveOnlyArguments) {
  everywhere([] {
    weft::scope s;
    std::string name;
    s.spawn(
        {.name = "the child", .stack_size = 64 * 1024},
        [&](std::unique_ptr<int> p) {
          name = this_fiber::name();
          EXPECT_EQ(*p, 5);
        },
        std::make_unique<int>(5));
    s.join();
    EXPECT_EQ(name, "the child");
    EXPECT_THROW(s.spawn({.stack_size = 1}, [] {}), std::invalid_argument);
    s.join();  // what could not be spawned is no failure of the scope
  });
}

TEST(Scope, AChildIsAFiberOfItsOwnEvenOnABorrowedStack) {
  everywhere([] {
    static weft::fiber_local<int> mine;
    *mine = 7;
    const auto id = this_fiber::get_id();
    this_fiber::set_name("owner");
    try {
      throw boom("in flight");
    } catch (const boom&) {
      weft::scope s;
      for (int i = 0; i < 3; ++i) {
        s.spawn([&] {
          EXPECT_NE(this_fiber::get_id(), id);
          EXPECT_EQ(*mine, 0);
          EXPECT_EQ(this_fiber::name(), "");
          EXPECT_EQ(std::current_exception(), nullptr);
          *mine = 8;
          this_fiber::yield();
          EXPECT_EQ(*mine, 8);
          EXPECT_EQ(std::current_exception(), nullptr);
        });
      }
      s.join();
      EXPECT_NE(std::current_exception(), nullptr);
    }
    EXPECT_EQ(*mine, 7);
    EXPECT_EQ(this_fiber::get_id(), id);
    EXPECT_EQ(this_fiber::name(), "owner");
  });
}

TEST(Scope, DeepNestingOnBorrowedStacks) {
  everywhere({.real = 9, .seeded = 5}, [](std::size_t levels) {
    struct nest {
      static int count(std::size_t depth) {
        if (depth == 0) return 1;
        weft::scope s;
        std::array<int, 2> below{};
        for (int& b : below) s.spawn([&b, depth] { b = count(depth - 1); });
        s.join();
        return below[0] + below[1];
      }
    };
    EXPECT_EQ(nest::count(levels), 1 << levels);
  });
}

struct leaves_a_mark {
  int* here = nullptr;
  ~leaves_a_mark() {
    if (here != nullptr) {
      this_fiber::yield();
      *here = 1;
    }
  }
};

TEST(Scope, FiberLocalValuesOfChildrenEndInsideTheScope) {
  static weft::fiber_local<leaves_a_mark> local;
  everywhere([] {
    std::array<int, 3> marks{};
    {
      weft::scope s;
      for (int& m : marks) s.spawn([&m] { local->here = &m; });
      s.join();
      EXPECT_EQ(marks, (std::array<int, 3>{1, 1, 1}));
    }
  });
}

TEST(Scope, TheClosuresDestructorsRunInsideTheScope) {
  everywhere([] {
    auto token = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = token;
    {
      weft::scope s;
      s.spawn([token = std::move(token)] { this_fiber::yield(); });
      s.join();
      EXPECT_TRUE(watch.expired());
    }
  });
}

TEST(WithScope, ReturnsWhatTheBodyReturns) {
  everywhere([] {
    int x = 3;
    EXPECT_EQ(weft::with_scope([](weft::scope&) { return std::make_unique<int>(4); }) == nullptr, false);
    int& same = weft::with_scope([&](weft::scope&) -> int& { return x; });
    EXPECT_EQ(&same, &x);
    weft::with_scope([&](weft::scope& s) { s.spawn([&] { x = 5; }); });
    EXPECT_EQ(x, 5);
  });
}

TEST(WithScope, AFailingChildStopsTheBody) {
  everywhere([] {
    std::atomic<int> stopped{0};
    EXPECT_THROW(weft::with_scope([&](weft::scope& s) {
                   s.spawn([] { throw boom("child"); });
                   const unwound count{stopped};
                   wait_for_stop();
                 }),
                 boom);
    EXPECT_EQ(stopped, 1);
    this_fiber::check_stop();  // over and done with: the fiber itself was not stopped
    this_fiber::sleep_for(1us);
  });
}

TEST(WithScope, AFailingChildStopsScopesInsideTheBody) {
  everywhere([] {
    std::atomic<int> stopped{0};
    std::atomic<int> waiting{0};
    EXPECT_THROW(weft::with_scope([&](weft::scope& s) {
                   s.spawn([&] {
                     while (waiting != 2) this_fiber::yield();
                     throw boom("child");
                   });
                   weft::scope inner;
                   for (int i = 0; i < 2; ++i) {
                     inner.spawn([&] {
                       const unwound count{stopped};
                       ++waiting;
                       wait_for_stop();
                     });
                   }
                   inner.join();
                 }),
                 boom);
    EXPECT_EQ(stopped, 2);
  });
}

TEST(WithScope, AFailingBodyStopsTheChildren) {
  everywhere([] {
    std::atomic<int> stopped{0};
    EXPECT_THROW(weft::with_scope([&](weft::scope& s) {
                   s.spawn([&] {
                     const unwound count{stopped};
                     wait_for_stop();
                   });
                   throw boom("body");
                 }),
                 boom);
    EXPECT_EQ(stopped, 1);
  });
}

TEST(WithScope, InADestructorDuringUnwinding) {
  everywhere([] {
    struct cleaner {
      std::atomic<int>& cleaned;
      ~cleaner() {
        EXPECT_THROW(weft::with_scope([&](weft::scope& s) {
                       s.spawn([&] { ++cleaned; });
                       s.spawn([] { throw boom("inside"); });
                       wait_for_stop();
                     }),
                     boom);
      }
    };
    std::atomic<int> cleaned{0};
    auto f = weft::spawn([&] {
      const cleaner at_end{cleaned};
      wait_for_stop();
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(cleaned, 1);
  });
}

TEST(Scope, OnAPlainThreadCannotSpawn) {
  weft::scope s;
  try {
    s.spawn([] {});
    ADD_FAILURE() << "spawned";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::operation_not_permitted);
  }
  s.join();
}

// Stops, failures and ends of children race; every child is counted out exactly once.
TEST(Scope, StressOfStopsFailuresAndEnds) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      const std::size_t rounds = stress_count(3000);
      for (std::size_t i = 0; i < rounds; ++i) {
        std::atomic<int> started{0}, ended{0};
        bool failed = false;
        auto owner = weft::spawn({.spread = true}, [&] {
          weft::scope s;
          for (int k = 0; k < 6; ++k) {
            s.spawn({.spread = k % 2 == 0}, [&, k] {
              ++started;
              const unwound count{ended};
              if (k == 3 && i % 3 == 0) throw boom("one");
              if (k % 2 == 0) wait_for_stop();
            });
          }
          if (i % 3 == 1) s.request_stop();
          try {
            s.join();
          } catch (const boom&) {
            failed = true;
          }
        });
        if (i % 3 == 2) owner.request_stop();
        try {
          owner.join();
        } catch (const weft::cancelled&) {
        }
        ASSERT_EQ(started, ended);
        ASSERT_EQ(ended, 6);
        ASSERT_EQ(failed, i % 3 == 0);
      }
    });
  });
}

}  // namespace
