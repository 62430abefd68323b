// Coroutines that are resumed while an exception unwinds their fiber: what masks stops there masks them inside, too, and
// deadlines that were set there work inside.
#include <chrono>     // durations
#include <exception>  // uncaught_exceptions
#include <stdexcept>  // runtime_error
#include <vector>     // log

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>
#include <weft/fiber/generator.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/task/deadline.hpp>
#include <weft/task/scope.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

template <class F>
struct at_the_end {
  F f;
  ~at_the_end() { f(); }
};
template <class F>
at_the_end(F) -> at_the_end<F>;

// Runs `body` as a fiber that is stopped while it waits for the first time.
template <class Body>
void in_a_stopped_fiber(std::size_t seeds, const Body& body) {
  under_seeds(seeds, [&](test_runtime& rt) {
    auto f = rt.spawn("stopped", [&] { body(rt); });
    rt.run_until_idle();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(UnwindingCoroutine, AGeneratorThatADestructorDrainsMayWait) {
  in_a_stopped_fiber(50, [](test_runtime&) {
    int drained = 0;
    const at_the_end check{[&] { EXPECT_EQ(drained, 3); }};
    weft::generator<int> rows([](auto& yield) {
      for (int i = 0; i < 3; ++i) {
        this_fiber::sleep_for(1ms);
        yield(i);
      }
      this_fiber::check_stop();  // masked, as in the destructor itself
    });
    const at_the_end drain{[&] {
      for ([[maybe_unused]] const int row : rows) ++drained;
    }};
    wait_for_stop();
  });
}

TEST(UnwindingCoroutine, ADeadlineOfADestructorEndsAWaitInside) {
  in_a_stopped_fiber(50, [](test_runtime& rt) {
    const auto start = rt.now();
    const at_the_end drain{[&] {
      weft::generator<int> rows([](auto& yield) {
        wait_for_stop();
        yield(1);
      });
      EXPECT_THROW(weft::with_timeout(5ms, [&] { static_cast<void>(rows.begin()); }), weft::timed_out);
      EXPECT_EQ(rt.now() - start, 5ms);
    }};
    wait_for_stop();
  });
}

TEST(UnwindingCoroutine, NestedOnesAddUp) {
  in_a_stopped_fiber(50, [](test_runtime& rt) {
    std::vector<int> log;
    const at_the_end drain{[&] {
      weft::coroutine outer([&](weft::coroutine& self) {
        try {
          const at_the_end inner_drain{[&] {
            weft::coroutine inner([&](weft::coroutine&) {
              EXPECT_EQ(std::uncaught_exceptions(), 0);
              this_fiber::sleep_for(1ms);
              log.push_back(1);
              EXPECT_THROW(weft::with_timeout(1ms, [] { wait_for_stop(); }), weft::timed_out);
              log.push_back(2);
            });
            inner.resume();
            EXPECT_THROW(weft::with_timeout(1ms, [] { wait_for_stop(); }), weft::timed_out);
            log.push_back(3);
          }};
          throw std::runtime_error("inside");
        } catch (const std::runtime_error&) {
          log.push_back(4);
        }
        self.yield();
        this_fiber::sleep_for(1ms);  // one is in flight still, below
        log.push_back(5);
      });
      while (outer.resume()) this_fiber::sleep_for(1ms);
      EXPECT_EQ(log, (std::vector{1, 2, 3, 4, 5}));
    }};
    static_cast<void>(rt);
    wait_for_stop();
  });
}

// As many in flight on either side: the exchange is no change, but the sum is.
TEST(UnwindingCoroutine, OneThatUnwindsItselfKeepsCount) {
  in_a_stopped_fiber(50, [](test_runtime&) {
    int steps = 0;
    weft::coroutine unwinds([&](weft::coroutine& self) {
      try {
        const at_the_end twice{[&] {
          self.yield();
          this_fiber::sleep_for(1ms);
          ++steps;
          self.yield();
          this_fiber::sleep_for(1ms);
          ++steps;
        }};
        throw std::runtime_error("inside");
      } catch (const std::runtime_error&) {
        this_fiber::sleep_for(1ms);  // its own is over, but the resumer's is not
        ++steps;
      }
    });
    unwinds.resume();
    const at_the_end finish{[&] {
      while (unwinds.resume()) {
      }
      EXPECT_EQ(steps, 3);
    }};
    wait_for_stop();
  });
}

TEST(UnwindingCoroutine, AfterwardsStopsAreSeenAgain) {
  in_a_stopped_fiber(50, [](test_runtime&) {
    weft::coroutine lasting([](weft::coroutine& self) {
      for (int i = 0; i < 2; ++i) {
        this_fiber::sleep_for(1ms);
        self.yield();
      }
      this_fiber::sleep_for(1ms);  // resumed when nothing is in flight
      ADD_FAILURE() << "the pending stop was not seen";
    });
    try {
      const at_the_end twice{[&] {
        lasting.resume();
        lasting.resume();
      }};
      wait_for_stop();
    } catch (const weft::cancelled&) {
    }
    EXPECT_THROW(this_fiber::check_stop(), weft::cancelled);
    lasting.resume();
  });
}

// A scope that a coroutine opens there is out of reach of the stop that unwinds, as one in the destructor itself.
TEST(UnwindingCoroutine, AScopeInsideIsNotStopped) {
  in_a_stopped_fiber(50, [](test_runtime&) {
    bool done = false;
    const at_the_end work{[&] {
      weft::coroutine c([&](weft::coroutine&) {
        weft::scope s;
        s.spawn([&] {
          this_fiber::sleep_for(1ms);
          done = true;
        });
        s.join();
      });
      c.resume();
      EXPECT_TRUE(done);
    }};
    wait_for_stop();
  });
}

// Fibers that unwind at the same time, each with a coroutine.
TEST(UnwindingCoroutine, EachFiberHasItsOwnCount) {
  everywhere(
      [] {
        weft::scope s;
        for (int i = 0; i < 4; ++i) {
          s.spawn([] {
            try {
              const at_the_end drain{[] {
                weft::generator<int> rows([](auto& yield) {
                  for (int k = 0; k < 5; ++k) {
                    this_fiber::yield();
                    yield(k);
                  }
                });
                int sum = 0;
                for (const int row : rows) sum += row;
                EXPECT_EQ(sum, 10);
              }};
              throw std::runtime_error("unwinds");
            } catch (const std::runtime_error&) {
            }
            wait_for_stop();  // ends only if nothing is left of the count
          });
        }
        for (int i = 0; i < 20; ++i) this_fiber::yield();
        s.request_stop();
        s.join();
        EXPECT_TRUE(s.stop_requested());
      },
      50);
}

}  // namespace
