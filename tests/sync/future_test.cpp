// Futures, promises and async: each kind of outcome, each way a wait can end, and who may destroy what when.
#include <algorithm>     // min
#include <atomic>        // counters of real threads
#include <chrono>        // durations
#include <cstdlib>       // malloc
#include <future>        // future_error, future_status, launch
#include <memory>        // unique_ptr
#include <optional>      // promises that end early
#include <stdexcept>     // runtime_error
#include <string>        // results
#include <system_error>  // system_error
#include <thread>        // plain threads
#include <vector>        // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/future.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

// What `call` throws as a std::future_error, or none.
template <class Call>
std::optional<std::error_code> future_error_of(Call&& call) {
  try {
    call();
  } catch (const std::future_error& e) {
    return e.code();
  }
  return std::nullopt;
}
std::error_code code(std::future_errc e) { return std::make_error_code(e); }

void sleep_forever() { weft::this_fiber::sleep_until(std::chrono::steady_clock::time_point::max()); }

TEST(Future, IsEightBytes) {
  EXPECT_EQ(sizeof(weft::future<std::string>), 8U);
  EXPECT_EQ(sizeof(weft::promise<std::string>), 8U);
}

TEST(Future, PassesResultsOfAllKinds) {
  everywhere([] {
    weft::promise<std::unique_ptr<int>> moves;
    weft::promise<int&> refers;
    weft::promise<void> tells;
    weft::promise<std::string> copies;
    int target = 0;
    auto setter = weft::spawn([&] {
      moves.set_value(std::make_unique<int>(5));
      yield();
      refers.set_value(target);
      const std::string text(100, 'x');
      copies.set_value(text);
      tells.set_value();
    });
    auto got = moves.get_future();
    auto reference = refers.get_future();
    auto text = copies.get_future();
    EXPECT_TRUE(got.valid());
    EXPECT_EQ(*got.get(), 5);
    EXPECT_FALSE(got.valid());
    EXPECT_EQ(&reference.get(), &target);
    EXPECT_EQ(text.get().size(), 100U);
    tells.get_future().get();
    setter.join();
  });
}

struct no_default {
  explicit no_default(int n) : number(n) {}
  no_default(no_default&&) = default;
  int number;
};
TEST(Future, NeedsNoDefaultConstructorOfItsType) {
  weft::promise<no_default> p;
  p.set_value(no_default(3));
  EXPECT_EQ(p.get_future().get().number, 3);
}

TEST(Future, RethrowsWhatWasStored) {
  everywhere([] {
    weft::promise<int> p;
    auto f = p.get_future();
    auto setter = weft::spawn([&] { p.set_exception(std::make_exception_ptr(std::runtime_error("no"))); });
    EXPECT_THROW(f.get(), std::runtime_error);
    EXPECT_FALSE(f.valid());
    setter.join();
  });
}

TEST(Future, APromiseThatGoesUnsetIsBroken) {
  everywhere([] {
    std::optional<weft::promise<int>> p(std::in_place);
    auto f = p->get_future();
    auto breaker = weft::spawn([&] { p.reset(); });
    f.wait();
    EXPECT_EQ(future_error_of([&] { f.get(); }), code(std::future_errc::broken_promise));
    breaker.join();
    weft::promise<int> q;
    auto g = q.get_future();
    q = weft::promise<int>();
    EXPECT_EQ(future_error_of([&] { g.get(); }), code(std::future_errc::broken_promise));
    weft::promise<int> moved(std::move(q));
    EXPECT_EQ(future_error_of([&] { q.set_value(1); }), code(std::future_errc::no_state));
    EXPECT_EQ(future_error_of([&] { static_cast<void>(q.get_future()); }), code(std::future_errc::no_state));
    moved.set_value(2);
    swap(moved, q);
    EXPECT_EQ(q.get_future().get(), 2);
  });
}

TEST(Future, MisuseIsAFutureError) {
  weft::promise<int> p;
  auto f = p.get_future();
  EXPECT_EQ(future_error_of([&] { static_cast<void>(p.get_future()); }),
            code(std::future_errc::future_already_retrieved));
  p.set_value(1);
  EXPECT_EQ(future_error_of([&] { p.set_value(2); }), code(std::future_errc::promise_already_satisfied));
  EXPECT_EQ(future_error_of([&] { p.set_exception(std::make_exception_ptr(1)); }),
            code(std::future_errc::promise_already_satisfied));
  EXPECT_EQ(f.get(), 1);
  weft::future<int> none;
  EXPECT_FALSE(none.valid());
  EXPECT_EQ(future_error_of([&] { none.get(); }), code(std::future_errc::no_state));
  EXPECT_EQ(future_error_of([&] { none.wait(); }), code(std::future_errc::no_state));
  EXPECT_EQ(future_error_of([&] { static_cast<void>(f.wait_for(1s)); }), code(std::future_errc::no_state));
  EXPECT_FALSE(none.share().valid());
}

struct throws_when_copied {
  throws_when_copied() = default;
  throws_when_copied(const throws_when_copied& other) : armed(other.armed) {
    if (armed) throw std::runtime_error("no copy");
  }
  bool armed = false;
};
TEST(Future, AValueThatCannotBeCopiedLeavesThePromiseUnset) {
  weft::promise<throws_when_copied> p;
  throws_when_copied value;
  value.armed = true;
  EXPECT_THROW(p.set_value(value), std::runtime_error);
  EXPECT_EQ(p.get_future().wait_for(0s), std::future_status::timeout);
  value.armed = false;
  p.set_value(value);
}

struct counting_memory {
  int live = 0, made = 0;
};
template <class T>
struct counting_allocator {
  using value_type = T;
  explicit counting_allocator(counting_memory& m) noexcept : memory(&m) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept : memory(other.memory) {}
  T* allocate(std::size_t n) {
    ++memory->live;
    ++memory->made;
    return static_cast<T*>(std::malloc(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t) noexcept {
    --memory->live;
    std::free(p);
  }
  counting_memory* memory;
};
TEST(Future, AllocatesOnceFromTheAllocatorItWasGiven) {
  static_assert(std::uses_allocator_v<weft::promise<int>, std::allocator<int>>);
  counting_memory memory;
  {
    weft::promise<std::string> p(std::allocator_arg, counting_allocator<int>(memory));
    p.set_value(std::string(50, 'a'));
    EXPECT_EQ(p.get_future().get().size(), 50U);
  }
  EXPECT_EQ(memory.made, 1);
  EXPECT_EQ(memory.live, 0);
}

// ---- the ways a wait can end

TEST(Future, TimesOutAndIsStillGood) {
  under_seeds([](test_runtime& rt) {
    weft::promise<int> p;
    auto f = p.get_future();
    auto late = rt.spawn("late", [&] { return f.wait_until(rt.now() + 5ms); });
    rt.run_until_idle();
    rt.advance(4ms);
    EXPECT_EQ(rt.parked_count(), 1U);
    rt.advance(1ms);
    EXPECT_EQ(late.join(), std::future_status::timeout);
    EXPECT_EQ(f.wait_for(0s), std::future_status::timeout);
    auto patient = rt.spawn("patient", [&] { return f.wait_for(1h); });
    rt.run_until_idle();
    p.set_value(7);
    EXPECT_EQ(patient.join(), std::future_status::ready);
    EXPECT_EQ(f.wait_for(0s), std::future_status::ready);
    EXPECT_EQ(f.wait_until(std::chrono::system_clock::now() - 1h), std::future_status::ready);
    EXPECT_EQ(f.get(), 7);
  });
}

TEST(Future, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    weft::promise<int> p;
    const auto until = std::chrono::system_clock::now() + 2ms;
    EXPECT_EQ(p.get_future().wait_until(until), std::future_status::timeout);
    EXPECT_GE(std::chrono::system_clock::now(), until);
  });
}

TEST(Future, ACancelledGetLeavesTheFutureValid) {
  under_seeds([](test_runtime& rt) {
    weft::promise<std::unique_ptr<int>> p;
    auto f = p.get_future();
    auto shared = weft::promise<int>().get_future().share();
    auto stopped = rt.spawn("stopped", [&] { f.get(); });
    rt.run_until_idle();
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_TRUE(f.valid());
    p.set_value(std::make_unique<int>(4));
    EXPECT_EQ(*f.get(), 4);
  });
}

TEST(Future, AStoppedFiberGetsWhatIsThere) {
  everywhere([] {
    weft::promise<int> set, unset;
    set.set_value(3);
    weft::event go;
    auto f = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        go.wait();
      }
      EXPECT_EQ(set.get_future().get(), 3);  // no need to wait: no cancellation point
      unset.get_future().wait();
    });
    f.request_stop();
    go.set();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Future, OutcomeDeadlineAndStopRace) {
  under_seeds([](test_runtime& rt) {
    weft::promise<int> p;
    auto shared = p.get_future().share();
    std::vector<weft::fiber<>> stopped;
    std::vector<weft::fiber<int>> timed, patient;
    for (int i = 0; i < 3; ++i) {
      stopped.push_back(rt.spawn("stopped", [&, mine = shared] { EXPECT_EQ(mine.get(), 42); }));
      timed.push_back(rt.spawn(
          "timed", [&, mine = shared] { return mine.wait_for(1ms) == std::future_status::ready ? mine.get() : 42; }));
      patient.push_back(rt.spawn("patient", [&, mine = shared] { return mine.get(); }));
    }
    auto setter = rt.spawn("setter", [&] {
      weft::this_fiber::sleep_for(1ms);
      p.set_value(42);
    });
    auto stopper = rt.spawn("stopper", [&] {
      weft::this_fiber::sleep_for(1ms);
      for (auto& s : stopped) s.request_stop();
    });
    rt.advance(2ms);
    setter.join();
    stopper.join();
    for (auto& f : patient) EXPECT_EQ(f.join(), 42);
    for (auto& f : timed) EXPECT_EQ(f.join(), 42);
    for (auto& f : stopped) {
      try {
        f.join();
      } catch (const weft::cancelled&) {
      }
    }
  });
}

// A setter that is still copying has won: those who come and go meanwhile change nothing of it.
struct copies_slowly {
  explicit copies_slowly(weft::event& e) : go(&e) {}
  copies_slowly(const copies_slowly& other) : go(other.go) { go->wait(); }
  weft::event* go;
};
TEST(Future, WaitersThatComeAndGoDoNotDisturbASetterThatCopies) {
  under_seeds([](test_runtime& rt) {
    weft::event go;
    weft::promise<copies_slowly> p;
    auto shared = p.get_future().share();
    auto setter = rt.spawn("setter", [&] { p.set_value(copies_slowly(go)); });
    auto copier = rt.spawn("copier", [&] {
      const copies_slowly value(go);
      p.set_value(value);
    });
    rt.run_until_idle();
    auto late = rt.spawn("late", [mine = shared] { return mine.wait_for(1ms); });
    auto patient = rt.spawn("patient", [mine = shared] { mine.wait(); });
    rt.run_until_idle();
    rt.advance(2ms);
    EXPECT_EQ(late.join(), std::future_status::timeout);
    EXPECT_EQ(future_error_of([&] { p.set_exception(std::make_exception_ptr(1)); }),
              code(std::future_errc::promise_already_satisfied));
    go.set();
    patient.join();
    for (auto* f : {&setter, &copier})
      static_cast<void>(future_error_of([&] { f->join(); }));  // one of them came too late
    EXPECT_EQ(shared.get().go, &go);
  });
}

// Getter and setter meet on two threads: the getter looks for the moment when the outcome comes.
TEST(Future, AnOutcomeThatComesWhileTheWaiterLinksIsSeen) {
  weft::runtime rt({.workers = 1});
  const std::size_t rounds = stress_count(30'000);
  std::atomic<weft::promise<std::size_t>*> given{nullptr};
  std::thread setter([&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      weft::promise<std::size_t>* p = nullptr;
      while ((p = given.exchange(nullptr)) == nullptr) {
      }
      p->set_value(i);
    }
  });
  rt.run([&] {
    std::size_t delay = 1000;
    for (std::size_t i = 0; i < rounds; ++i) {
      weft::promise<std::size_t> p;
      auto f = p.get_future();
      given = &p;
      for (std::size_t spent = 0; spent < delay + i % 64; ++spent) asm volatile("" : : : "memory");
      const bool too_late = f.wait_for(0s) == std::future_status::ready;
      delay = too_late ? delay - delay / 16 : std::min(delay + 16, std::size_t{5000});
      EXPECT_EQ(f.get(), i);
    }
  });
  setter.join();
}

TEST(Future, OneOfSeveralSettersWins) {
  everywhere([] {
    weft::promise<int> p;
    auto f = p.get_future();
    std::atomic<int> winner{-1}, losers{0};
    std::vector<weft::fiber<>> setters;
    for (int i = 0; i < 4; ++i) {
      setters.push_back(weft::spawn(weft::fiber_options{.spread = true}, [&, i] {
        try {
          p.set_value(i);
          winner = i;
        } catch (const std::future_error& e) {
          EXPECT_EQ(e.code(), code(std::future_errc::promise_already_satisfied));
          ++losers;
        }
      }));
    }
    const int got = f.get();
    for (auto& s : setters) s.join();
    EXPECT_EQ(got, winner);
    EXPECT_EQ(losers, 3);
  });
}

// ---- sharing

TEST(SharedFuture, ManyWaitForOneOutcome) {
  everywhere([] {
    weft::promise<std::string> p;
    weft::shared_future<std::string> shared(p.get_future());
    int written = 0;
    std::vector<weft::fiber<const std::string*>> readers;
    for (int i = 0; i < 10; ++i) {
      readers.push_back(weft::spawn([&, mine = shared] {
        const std::string& text = mine.get();
        EXPECT_EQ(text, "text");
        EXPECT_EQ(written, 9);
        return &text;
      }));
      if (i % 3 == 0) yield();
    }
    written = 9;
    p.set_value("text");
    for (auto& r : readers) EXPECT_EQ(r.join(), &shared.get());
    EXPECT_TRUE(shared.valid());
  });
}

TEST(SharedFuture, OfReferencesNothingAndFailures) {
  int target = 0;
  weft::promise<int&> refers;
  weft::promise<void> tells;
  weft::promise<int> fails;
  auto reference = refers.get_future().share();
  auto told = tells.get_future().share();
  auto failed = fails.get_future().share();
  refers.set_value(target);
  tells.set_value();
  fails.set_exception(std::make_exception_ptr(3));
  static_assert(std::is_same_v<decltype(reference.get()), int&>);
  static_assert(std::is_same_v<decltype(told.get()), void>);
  static_assert(std::is_same_v<decltype(failed.get()), const int&>);
  EXPECT_EQ(&reference.get(), &target);
  told.get();
  EXPECT_THROW(failed.get(), int);
  EXPECT_THROW(failed.get(), int);
  EXPECT_EQ(future_error_of([&] { weft::shared_future<int>().get(); }), code(std::future_errc::no_state));
}

// ---- async

TEST(Async, GivesBackResultsAndFailures) {
  everywhere([] {
    auto number = weft::async([](int a, int b) { return a + b; }, 2, 3);
    auto owner = weft::async(std::launch::async, [p = std::make_unique<int>(4)]() mutable { return std::move(p); });
    int target = 0;
    weft::future<int&> reference = weft::async([&]() -> int& { return target; });
    weft::future<void> nothing = weft::async([&] { target = 6; });
    auto failure = weft::async([]() -> int { throw std::runtime_error("no"); });
    auto either = weft::async(std::launch::async | std::launch::deferred, [] { return weft::this_fiber::get_id(); });
    EXPECT_EQ(number.get(), 5);
    EXPECT_EQ(*owner.get(), 4);
    EXPECT_EQ(&reference.get(), &target);
    nothing.get();
    EXPECT_EQ(target, 6);
    EXPECT_THROW(failure.get(), std::runtime_error);
    EXPECT_NE(either.get(), weft::this_fiber::get_id());
  });
}

TEST(Async, OutsideAFiberIsAnErrorAndMovesNothing) {
  auto argument = std::make_unique<int>(1);
  try {
    static_cast<void>(weft::async([](std::unique_ptr<int>) {}, std::move(argument)));
    ADD_FAILURE();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::make_error_code(std::errc::operation_not_permitted));
  }
  EXPECT_NE(argument, nullptr);
}

TEST(Async, TheLastFutureWaitsInItsDestructor) {
  under_seeds([](test_runtime& rt) {
    weft::event go;
    bool ended = false;
    auto parent = rt.spawn("parent", [&] {
      auto shared = weft::async([&] {
                      go.wait();
                      ended = true;
                    }).share();
      const auto copy = shared;
      shared = {};  // not the last one
      EXPECT_FALSE(ended);
      { const auto last = copy; }
    });
    rt.run_until_idle();
    parent.request_stop();  // the destructor is no cancellation point
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    go.set();
    parent.join();
    EXPECT_TRUE(ended);
  });
}

TEST(Async, ItsFiberIsNotStoppedWithTheFutureButByItsRuntime) {
  weft::runtime rt({.workers = 2});
  std::atomic<bool> started{false};
  auto f = rt.spawn([&] {
               return weft::async([&] {
                 started = true;
                 sleep_forever();
               });
             }).join();
  while (!started) std::this_thread::yield();
  EXPECT_EQ(f.wait_for(0s), std::future_status::timeout);
  rt.request_stop();
  EXPECT_THROW(f.get(), weft::cancelled);
}

TEST(Async, CapturesEndBeforeTheOutcomeIsSeen) {
  everywhere([] {
    const auto held = std::make_shared<int>(1);
    auto f = weft::async([held] { return *held; });
    f.wait();
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(f.get(), 1);
  });
}

TEST(Async, DeferredRunsInTheFirstWhoWaits) {
  everywhere([] {
    int runs = 0;
    auto f = weft::async(std::launch::deferred, [&] {
      yield();
      ++runs;
      return weft::this_fiber::get_id();
    });
    EXPECT_EQ(f.wait_for(1h), std::future_status::deferred);
    EXPECT_EQ(runs, 0);
    auto shared = f.share();
    std::vector<weft::fiber<weft::fiber_id>> readers;
    for (int i = 0; i < 3; ++i) readers.push_back(weft::spawn([mine = shared] { return mine.get(); }));
    const weft::fiber_id ran_in = shared.get();
    EXPECT_EQ(shared.wait_for(0s), std::future_status::ready);
    bool by_one_of_us = ran_in == weft::this_fiber::get_id();
    for (auto& r : readers) {
      by_one_of_us = by_one_of_us || r.get_id() == ran_in;
      EXPECT_EQ(r.join(), ran_in);
    }
    EXPECT_TRUE(by_one_of_us);
    EXPECT_EQ(runs, 1);
    auto never = weft::async(std::launch::deferred, [&] { ++runs; });
    never = {};
    EXPECT_EQ(runs, 1);
  });
}

TEST(Async, DeferredWorksOnAPlainThreadAndAnUnknownPolicyNowhere) {
  auto f = weft::async(
      std::launch::deferred, [](int n) { return n + 1; }, 1);
  EXPECT_EQ(f.get(), 2);
  EXPECT_THROW(static_cast<void>(weft::async(std::launch{}, [] {})), std::system_error);
}

TEST(Async, ComputesATreeOfItself) {
  struct tree {
    static unsigned sum(unsigned depth) {
      if (depth == 0) return 1;
      auto left = weft::async(&tree::sum, depth - 1);
      const unsigned right = sum(depth - 1);
      return left.get() + right;
    }
  };
  everywhere({.real = 8, .seeded = 5},
             [](std::size_t depth) { EXPECT_EQ(tree::sum(static_cast<unsigned>(depth)), std::size_t{1} << depth); });
}

// ---- between runtimes and threads

TEST(Future, WorksBetweenTwoRuntimesAndPlainThreads) {
  weft::runtime one({.workers = 2}), two({.workers = 1});
  const std::size_t rounds = stress_count(1000);
  for (std::size_t round = 0; round < rounds; ++round) {
    weft::promise<std::size_t> first, second;
    weft::promise<std::string> third;
    auto a = one.spawn([&] { second.set_value(first.get_future().get() + 1); });
    auto b = two.spawn([&] { third.set_value(std::to_string(second.get_future().get() + 1)); });
    std::thread t([&] { EXPECT_EQ(third.get_future().get(), std::to_string(round + 2)); });
    first.set_value(round);
    t.join();
    a.join();
    b.join();
  }
}

// Starvation: none of these loops suspends by itself, and all run on the only worker.
TEST(Future, APollingLoopLetsTheSetterRun) {
  weft::run({.workers = 1}, [] {
    auto f = weft::async([] { return 1; });
    while (f.wait_for(0s) != std::future_status::ready) {
    }
    bool others_ran = false;
    auto other = weft::spawn([&] { others_ran = true; });
    for (int i = 0; i < 10'000 && !others_ran; ++i) f.wait();
    EXPECT_TRUE(others_ran);
    other.join();
  });
}

}  // namespace
