// Deadlines: never early, inherited, shrinking, converted by the frame that fired and by no other.
#include <atomic>        // counters
#include <chrono>        // durations
#include <stdexcept>     // runtime_error
#include <system_error>  // operation_not_permitted

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/mutex.hpp>
#include <weft/sync/stop_token.hpp>
#include <weft/task/deadline.hpp>
#include <weft/task/scope.hpp>

#include "support/schedules.hpp"
#include "support/wait_for_stop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

TEST(Deadline, ResultsAndExceptionsPassThrough) {
  everywhere([] {
    int x = 1;
    EXPECT_EQ(weft::with_timeout(1h, [] { return 5; }), 5);
    int& same = weft::with_timeout(1h, [&]() -> int& { return x; });
    EXPECT_EQ(&same, &x);
    EXPECT_THROW(weft::with_timeout(1h, [] { throw std::runtime_error("x"); }), std::runtime_error);
    weft::with_deadline(std::chrono::steady_clock::time_point::max(), [] { this_fiber::sleep_for(1us); });
  });
}

TEST(Deadline, EndsAWaitAtItsTime) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      const auto start = rt.now();
      EXPECT_THROW(weft::with_timeout(10ms, [] { wait_for_stop(); }), weft::timed_out);
      EXPECT_EQ(rt.now() - start, 10ms);
      this_fiber::sleep_for(5ms);  // nothing is left of it
      EXPECT_EQ(rt.now() - start, 15ms);
      EXPECT_THROW(weft::with_deadline(rt.now() + 1ms, [] { this_fiber::sleep_for(1h); }), weft::timed_out);
      EXPECT_EQ(rt.now() - start, 16ms);
    });
  });
}

TEST(Deadline, IsNeverEarlyInRealTime) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      for (int i = 0; i < 20; ++i) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_THROW(weft::with_timeout(1ms, [] { wait_for_stop(); }), weft::timed_out);
        EXPECT_GE(std::chrono::steady_clock::now() - start, 1ms);
      }
    });
  });
}

TEST(Deadline, APassedOneStopsAtTheFirstPoint) {
  everywhere([] {
    bool ran = false;
    EXPECT_THROW(weft::with_timeout(0s,
                                    [&] {
                                      ran = true;
                                      this_fiber::yield();  // no cancellation point
                                      weft::mutex m;
                                      m.lock();  // neither
                                      m.unlock();
                                      this_fiber::check_stop();
                                      ADD_FAILURE() << "not stopped";
                                    }),
                 weft::timed_out);
    EXPECT_TRUE(ran);
    EXPECT_EQ(weft::with_timeout(-1s, [] { return 3; }), 3);  // no point: the result is kept
  });
}

TEST(Deadline, ASwallowedStopIsThrownAgain) {
  everywhere([] {
    int thrown = 0;
    EXPECT_THROW(weft::with_timeout(0s,
                                    [&] {
                                      for (int i = 0; i < 3; ++i) {
                                        try {
                                          this_fiber::sleep_for(1h);
                                        } catch (const weft::cancelled&) {
                                          ++thrown;
                                        }
                                      }
                                      this_fiber::check_stop();
                                    }),
                 weft::timed_out);
    EXPECT_EQ(thrown, 3);
  });
}

TEST(Deadline, OnlyTheFrameThatFiredConverts) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      bool inner_converted = false;
      const auto start = rt.now();
      EXPECT_THROW(weft::with_timeout(5ms,
                                      [&] {
                                        try {
                                          weft::with_timeout(10ms, [] { wait_for_stop(); });
                                        } catch (const weft::timed_out&) {
                                          inner_converted = true;
                                        }
                                      }),
                   weft::timed_out);
      EXPECT_FALSE(inner_converted);
      EXPECT_EQ(rt.now() - start, 5ms);
      weft::with_timeout(10ms, [&] {
        EXPECT_THROW(weft::with_timeout(5ms, [] { wait_for_stop(); }), weft::timed_out);
        this_fiber::sleep_for(1ms);  // the outer one has not fired
      });
    });
  });
}

TEST(Deadline, AStopOfTheFiberGoesOnAsCancelled) {
  everywhere([] {
    weft::event inside;
    auto f = weft::spawn([&] {
      weft::with_timeout(1h, [&] {
        inside.set();
        wait_for_stop();
      });
    });
    inside.wait();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Deadline, IsInheritedByChildren) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      std::atomic<int> stopped{0};
      const auto start = rt.now();
      EXPECT_THROW(weft::with_timeout(5ms,
                                      [&] {
                                        weft::scope s;
                                        for (int i = 0; i < 3; ++i) {
                                          s.spawn([&] {
                                            weft::scope inner;
                                            inner.spawn([&] {
                                              try {
                                                weft::with_timeout(1h, [] { wait_for_stop(); });
                                              } catch (const weft::cancelled&) {
                                                ++stopped;
                                                throw;
                                              }
                                            });
                                            inner.join();
                                          });
                                        }
                                        s.join();
                                      }),
                   weft::timed_out);
      EXPECT_EQ(stopped, 3);
      EXPECT_EQ(rt.now() - start, 5ms);
    });
  });
}

TEST(Deadline, AShieldHidesTheOuterOneButNotTheInner) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      const auto start = rt.now();
      EXPECT_THROW(weft::with_timeout(2ms,
                                      [&] {
                                        {
                                          const weft::cancel_shield shield;
                                          this_fiber::sleep_for(5ms);  // past the outer deadline
                                          EXPECT_THROW(weft::with_timeout(3ms, [] { wait_for_stop(); }),
                                                       weft::timed_out);
                                          EXPECT_EQ(rt.now() - start, 8ms);
                                          this_fiber::check_stop();
                                        }
                                        this_fiber::check_stop();
                                        ADD_FAILURE() << "the outer deadline was lost";
                                      }),
                   weft::timed_out);
    });
  });
}

TEST(Deadline, WorksInADestructorDuringUnwinding) {
  under_seeds([](test_runtime& rt) {
    struct cleaner {
      int& timeouts;
      ~cleaner() {
        this_fiber::sleep_for(1ms);  // masked: the stop that unwinds is not delivered here
        try {
          weft::with_timeout(1ms, [] { wait_for_stop(); });
        } catch (const weft::timed_out&) {
          ++timeouts;
        }
        this_fiber::sleep_for(1ms);
      }
    };
    rt.run([&] {
      int timeouts = 0;
      EXPECT_THROW(weft::with_timeout(1ms,
                                      [&] {
                                        const cleaner at_end{timeouts};
                                        wait_for_stop();
                                      }),
                   weft::timed_out);
      EXPECT_EQ(timeouts, 1);
      auto f = weft::spawn([&] {
        const cleaner at_end{timeouts};
        wait_for_stop();
      });
      this_fiber::sleep_for(1ms);
      f.request_stop();
      EXPECT_THROW(f.join(), weft::cancelled);
      EXPECT_EQ(timeouts, 2);
    });
  });
}

TEST(Deadline, ATokenTakenInsideStopsAtTheDeadline) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      weft::stop_token inner;
      const weft::stop_token outer = this_fiber::get_stop_token();
      EXPECT_THROW(weft::with_timeout(1ms,
                                      [&] {
                                        inner = this_fiber::get_stop_token();
                                        EXPECT_FALSE(inner.stop_requested());
                                        wait_for_stop();
                                      }),
                   weft::timed_out);
      EXPECT_TRUE(inner.stop_requested());
      EXPECT_FALSE(outer.stop_requested());
    });
  });
}

TEST(Deadline, CallbacksOfATokenTakenInsideRunInAFiberOfTheirOwn) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      const auto owner = this_fiber::get_id();
      int called = 0;
      EXPECT_THROW(weft::with_timeout(1ms,
                                      [&] {
                                        const weft::stop_callback callback(this_fiber::get_stop_token(), [&] {
                                          EXPECT_TRUE(this_fiber::is_fiber());
                                          EXPECT_NE(this_fiber::get_id(), owner);
                                          this_fiber::yield();
                                          ++called;
                                        });
                                        try {
                                          wait_for_stop();
                                        } catch (const weft::cancelled&) {
                                          while (called == 0) this_fiber::yield();
                                          throw;
                                        }
                                      }),
                   weft::timed_out);
      EXPECT_EQ(called, 1);
    });
  });
}

// The children are outside of the deadline, only the join is inside.
TEST(Deadline, AroundTheJoinOfAnOuterScopeEndsIt) {
  everywhere([] {
    for (const auto limit : {0us, 200us}) {
      weft::event never;
      weft::scope outer;
      outer.spawn([&] { never.wait(); });
      EXPECT_THROW(weft::with_timeout(limit, [&] { outer.join(); }), weft::timed_out);
    }
  });
}

TEST(Deadline, AStopOfTheFiberWhileADeadlineHasFired) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      for (std::size_t i = 0; i < stress_count(2000); ++i) {
        auto f = weft::spawn({.spread = true}, [] {
          weft::with_timeout(0s, [] {
            for (int k = 0; k < 50; ++k) {
              try {
                weft::event().wait();
                ADD_FAILURE() << "a wait ended by itself";
              } catch (const weft::cancelled&) {
              }
            }
            this_fiber::check_stop();
          });
        });
        for (std::size_t k = 0; k < i % 4; ++k) this_fiber::yield();
        f.request_stop();
        EXPECT_ANY_THROW(f.join());  // cancelled, or timed_out
      }
    });
  });
}

TEST(Deadline, OutsideAFiberIsRefused) {
  try {
    weft::with_timeout(1s, [] {});
    ADD_FAILURE() << "accepted";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::operation_not_permitted);
  }
}

// Deadlines, notifications and stops of the fiber race; whatever wins, exactly one outcome, and nothing stays pending.
TEST(Deadline, StressOfDeadlinesNotificationsAndStops) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      const std::size_t rounds = stress_count(5000);
      for (std::size_t i = 0; i < rounds; ++i) {
        weft::event e;
        auto waiter = weft::spawn({.spread = i % 2 == 0}, [&] {
          int outcome = 0;
          try {
            weft::with_timeout(std::chrono::microseconds(i % 40), [&] {
              e.wait();
              outcome = 1;
            });
          } catch (const weft::timed_out&) {
            outcome = 2;
          }
          return outcome;
        });
        if (i % 5 != 0) this_fiber::yield();
        if (i % 7 == 0) waiter.request_stop();
        e.set();
        try {
          const int outcome = waiter.join();
          ASSERT_TRUE(outcome == 1 || outcome == 2);
        } catch (const weft::cancelled&) {
          ASSERT_EQ(i % 7, 0U);
        }
      }
    });
  });
}

}  // namespace
