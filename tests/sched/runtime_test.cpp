// A runtime's life: side by side, nested, again and again; and its end with fibers in every state.
#include <chrono>     // durations
#include <csignal>    // SIGABRT
#include <memory>     // unique_ptr
#include <optional>   // optional
#include <stdexcept>  // exceptions
#include <string>     // values
#include <thread>     // plain threads
#include <vector>     // handles

#include <sys/time.h>  // setitimer

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::run_in_child;
using weft::testing::stress_count;
using weft::testing::with_real_workers;
using weft::testing::worker_counts;
namespace this_fiber = weft::this_fiber;

TEST(Runtime, RunReturnsTheResultOrRethrows) {
  EXPECT_EQ(weft::run([] { return std::string("done"); }), "done");
  EXPECT_THROW(weft::run([] { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_EQ(weft::run(weft::runtime_options{.workers = 2}, [] { return 3; }), 3);
  weft::runtime rt(weft::runtime_options{.workers = 1});
  EXPECT_EQ(rt.run([] { return std::make_unique<int>(4); }).operator*(), 4);
  int target = 0;
  EXPECT_EQ(&rt.run([&]() -> int& { return target; }), &target);
}

TEST(Runtime, CurrentIsTheOneOfTheFiber) {
  EXPECT_EQ(weft::runtime::current(), nullptr);
  with_real_workers([](weft::runtime& a) {
    weft::runtime b(weft::runtime_options{.workers = 1});
    a.run([&] {
      EXPECT_EQ(weft::runtime::current(), &a);
      weft::spawn([&] { EXPECT_EQ(weft::runtime::current(), &a); }).join();
      b.run([&] { EXPECT_EQ(weft::runtime::current(), &b); });
      EXPECT_EQ(weft::runtime::current(), &a);
    });
  });
}

TEST(Runtime, NestsInAFiberOfAnother) {
  with_real_workers([](weft::runtime& rt) {
    const int depth_4 = rt.run([] {
      return 1 + weft::run(weft::runtime_options{.workers = 2}, [] {
               return 1 + weft::run(weft::runtime_options{.workers = 1}, [] {
                        this_fiber::sleep_for(1ms);
                        return 1 + weft::run(weft::runtime_options{.workers = 1}, [] { return 1; });
                      });
             });
    });
    EXPECT_EQ(depth_4, 4);
  });
}

TEST(Runtime, ManySideBySide) {
  std::vector<std::unique_ptr<weft::runtime>> all;
  for (unsigned i = 0; i < 6; ++i)
    all.push_back(std::make_unique<weft::runtime>(weft::runtime_options{.workers = 1 + i % 3}));
  std::vector<weft::fiber<std::size_t>> handles;
  for (std::size_t i = 0; i < 300; ++i) {
    handles.push_back(all[i % all.size()]->spawn([&all, i] {
      auto deeper = all[(i * 7 + 1) % all.size()]->spawn([i] {
        this_fiber::yield();
        return i;
      });
      return deeper.join();
    }));
  }
  for (std::size_t i = 0; i < handles.size(); ++i) EXPECT_EQ(handles[i].join(), i);
}

TEST(Runtime, CreatedAndDestroyedAThousandTimes) {
  const std::size_t times = stress_count(1000);
  for (std::size_t i = 0; i < times; ++i) {
    weft::runtime rt(weft::runtime_options{.workers = worker_counts[i % 3]});
    if (i % 2 == 0) {
      EXPECT_EQ(rt.run([i] { return i; }), i);
    }
  }
}

struct counts {
  std::atomic<int> made{0};
  std::atomic<int> destroyed{0};
};
struct tracked {
  explicit tracked(counts& c) : where(&c) { ++c.made; }
  tracked(const tracked& other) : where(other.where) { ++where->made; }
  tracked& operator=(const tracked&) = delete;
  ~tracked() { ++where->destroyed; }
  counts* where;
};

// Parked in a sleep and in a join, never started, yielding, ended; with handle and detached.
TEST(Runtime, ItsEndRunsEveryDestructorExactlyOnce) {
  for (const unsigned workers : worker_counts) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      counts in_closures;
      counts on_stacks;
      std::vector<weft::fiber<>> handles;
      {
        weft::runtime rt(weft::runtime_options{.workers = workers});
        const auto add = [&](bool detached, auto body) {
          auto f = rt.spawn([&on_stacks, held = tracked(in_closures), body] {
            const tracked local(on_stacks);
            body();
          });
          if (detached) {
            f.detach();
          } else {
            handles.push_back(std::move(f));
          }
        };
        for (int i = 0; i < 10; ++i) {
          for (const bool detached : {false, true}) {
            add(detached, [] { this_fiber::sleep_for(1000h); });
            add(detached, [] { weft::spawn([] { this_fiber::sleep_for(1000h); }).join(); });
            add(detached, [] {
              const weft::cancel_shield shield;
              this_fiber::sleep_for(1ms);
            });
            add(detached, [] {
              for (;;) {
                this_fiber::yield();
                this_fiber::check_stop();
              }
            });
            add(detached, [] {});
          }
        }
        if (repeat % 2 == 0) std::this_thread::sleep_for(1ms);  // so that most have started, or have not
      }
      for (auto& f : handles) EXPECT_TRUE(f.join_for(0ms));
      handles.clear();
      EXPECT_EQ(on_stacks.made.load(), 100);
      EXPECT_EQ(on_stacks.destroyed.load(), 100);
      EXPECT_EQ(in_closures.made.load(), in_closures.destroyed.load());
    }
  }
}

TEST(Runtime, FibersThatSpawnWhileItEndsAreAwaitedToo) {
  for (const unsigned workers : worker_counts) {
    std::atomic<int> alive{0};
    {
      weft::runtime rt(weft::runtime_options{.workers = workers});
      for (int i = 0; i < 20; ++i) {
        rt.spawn([&] {
            ++alive;
            try {
              this_fiber::sleep_for(1000h);
            } catch (const weft::cancelled&) {
              ++alive;
              weft::spawn([&] {  // born stopped
                try {
                  this_fiber::sleep_for(1000h);
                } catch (const weft::cancelled&) {
                  --alive;
                }
              })
                  .detach();
            }
            --alive;
          }).detach();
      }
    }
    EXPECT_EQ(alive.load(), 0);
  }
}

TEST(Runtime, CannotBeDestroyedByItsOwnFiber) {
  const auto child = run_in_child([] {
    auto rt = std::make_unique<weft::runtime>(weft::runtime_options{.workers = 1});
    rt->run([&] {
      this_fiber::set_name("suicidal");
      rt.reset();
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT)) << child.status;
  EXPECT_NE(child.errors.find("cannot be destroyed by one of its own fibers"), std::string::npos) << child.errors;
  EXPECT_NE(child.errors.find("suicidal"), std::string::npos) << child.errors;
}

TEST(Runtime, MayBeDestroyedByAFiberOfAnother) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      std::atomic<bool> unwound{false};
      {
        weft::runtime inner(weft::runtime_options{.workers = 1});
        inner
            .spawn([&] {
              try {
                this_fiber::sleep_for(1000h);
              } catch (const weft::cancelled&) {
                unwound = true;
              }
            })
            .detach();
      }
      EXPECT_TRUE(unwound.load());
    });
  });
}

// However many signals interrupt the wait for it.
TEST(Runtime, ReportsByNameWhatIgnoresItsStop) {
  const auto child = run_in_child([] {
    std::signal(SIGALRM, [](int) {});
    constexpr timeval often{.tv_sec = 0, .tv_usec = 50'000};
    const itimerval interruptions{.it_interval = often, .it_value = often};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &interruptions, nullptr), 0);
    weft::runtime rt(weft::runtime_options{.workers = 1});
    rt.spawn(weft::fiber_options{.name = "deaf"}, [] {
        const weft::cancel_shield shield;
        this_fiber::sleep_for(6s);
      }).detach();
    rt.spawn(weft::fiber_options{.name = "obedient"}, [] { this_fiber::sleep_for(1000h); }).detach();
  });
  EXPECT_TRUE(child.passed()) << child.errors;
  EXPECT_NE(child.errors.find("fiber 'deaf', which ignores stop (waiting for sleep)"), std::string::npos)
      << child.errors;
  EXPECT_EQ(child.errors.find("obedient"), std::string::npos) << child.errors;
}

}  // namespace
