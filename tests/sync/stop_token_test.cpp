// Stop sources, tokens and callbacks: who runs a callback, who waits for it, and what is left when it is over.
#include <atomic>      // counters of real threads
#include <chrono>      // durations
#include <cstddef>     // byte
#include <functional>  // function
#include <memory>      // unique_ptr
#include <new>         // placement new
#include <optional>    // callbacks that end before their scope
#include <thread>      // plain threads
#include <vector>      // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/stop_token.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

void sleep_forever() { weft::this_fiber::sleep_until(std::chrono::steady_clock::time_point::max()); }

// A callback is called at most once, and never after its destructor.
struct listener {
  std::atomic<int>* called;
  std::unique_ptr<int> alive = std::make_unique<int>(1);  // a call after the end reads freed memory
  void operator()() const {
    EXPECT_EQ(*alive, 1);
    ++*called;
  }
};

// ---- sources and tokens

TEST(StopToken, KnowsWhetherAStopIsPossible) {
  EXPECT_FALSE(weft::stop_token().stop_possible());
  EXPECT_FALSE(weft::stop_source(weft::nostopstate).stop_possible());
  EXPECT_FALSE(weft::stop_source(weft::nostopstate).request_stop());
  EXPECT_FALSE(weft::stop_source(weft::nostopstate).get_token().stop_possible());
  std::optional<weft::stop_source> one(std::in_place);
  std::optional<weft::stop_source> other(*one);
  const weft::stop_token token = one->get_token();
  EXPECT_TRUE(*one == *other);
  EXPECT_TRUE(token == other->get_token());
  one.reset();
  EXPECT_TRUE(token.stop_possible());
  weft::stop_source moved(std::move(*other));
  EXPECT_FALSE(other->stop_possible());
  EXPECT_FALSE(other->request_stop());
  other.reset();
  EXPECT_TRUE(token.stop_possible());
  moved = weft::stop_source(weft::nostopstate);
  EXPECT_FALSE(token.stop_possible());  // nobody is left who could
  EXPECT_FALSE(token.stop_requested());
}

TEST(StopToken, ARequestStaysWhenItsSourceGoes) {
  std::optional<weft::stop_source> source(std::in_place);
  const weft::stop_token token = source->get_token();
  EXPECT_TRUE(source->request_stop());
  EXPECT_FALSE(source->request_stop());
  source.reset();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(token.stop_possible());
}

TEST(StopToken, SwapsAndAssigns) {
  weft::stop_source a, b;
  weft::stop_token of_a = a.get_token(), of_b = b.get_token();
  swap(of_a, of_b);
  EXPECT_EQ(of_a, b.get_token());
  swap(a, b);
  EXPECT_EQ(of_a, a.get_token());
  of_b = of_a;
  a.request_stop();
  EXPECT_TRUE(of_b.stop_requested());
  EXPECT_FALSE(b.stop_requested());
  b = a;
  EXPECT_TRUE(b.stop_requested());
}

// ---- callbacks

TEST(StopCallback, RunsInTheRequesterOnce) {
  everywhere([] {
    weft::stop_source source;
    weft::fiber_id ran_in;
    int calls = 0;
    const weft::stop_callback callback(source.get_token(), [&] {
      ++calls;
      ran_in = weft::this_fiber::get_id();
    });
    auto requester = weft::spawn([&] {
      EXPECT_TRUE(source.request_stop());
      EXPECT_FALSE(source.request_stop());
      return weft::this_fiber::get_id();
    });
    EXPECT_EQ(requester.join(), ran_in);
    EXPECT_EQ(calls, 1);
  });
}

TEST(StopCallback, RunsInTheConstructorWhenStopWasRequested) {
  everywhere([] {
    weft::stop_source source;
    source.request_stop();
    bool called = false;
    const weft::stop_callback callback(
        source.get_token(), [&, me = weft::this_fiber::get_id()] { called = weft::this_fiber::get_id() == me; });
    EXPECT_TRUE(called);
  });
}

TEST(StopCallback, IsNotCalledWithoutAStopOrAfterItsEnd) {
  everywhere([] {
    weft::stop_source source;
    int calls = 0;
    const auto count = [&] { ++calls; };
    {
      const weft::stop_callback first(source.get_token(), count);
      const weft::stop_callback second(source.get_token(), count);
      std::optional<weft::stop_callback<decltype(count)>> third(std::in_place, source.get_token(), count);
      const weft::stop_callback never(weft::stop_token(), count);
      third.reset();
    }
    source.request_stop();
    EXPECT_EQ(calls, 0);
  });
}

TEST(StopCallback, TakesLvaluesMoveOnlyCallablesAndConstOnes) {
  weft::stop_source source;
  int sum = 0;
  auto named = [&] { sum += 1; };
  auto owner = [&, held = std::make_unique<int>(10)] { sum += *held; };
  const auto constant = [&] { sum += 100; };
  {
    weft::stop_callback<decltype(named)&> by_reference(source.get_token(), named);
    const weft::stop_callback moved(source.get_token(), std::move(owner));
    const weft::stop_callback copied(source.get_token(), constant);
    static_assert(std::is_same_v<decltype(moved)::callback_type, decltype(owner)>);
    source.request_stop();
  }
  EXPECT_EQ(sum, 111);
}

TEST(StopCallback, MayDestroyItselfAndOthers) {
  everywhere([] {
    for (const bool suspends : {false, true}) {
      weft::stop_source source;
      int calls = 0;
      struct set {
        std::optional<weft::stop_callback<std::function<void()>>> self, other;
      } callbacks;
      callbacks.other.emplace(source.get_token(), [&] { ADD_FAILURE() << "it was destroyed before its turn"; });
      callbacks.self.emplace(source.get_token(), [&calls, &callbacks, suspends] {
        set& all = callbacks;  // captures go with the callback
        int& n = calls;
        if (suspends) yield();
        all.other.reset();
        all.self.reset();
        ++n;
      });
      source.request_stop();
      EXPECT_EQ(calls, 1);
    }
  });
}

TEST(StopCallback, MayDropTheLastSourceAndToken) {
  everywhere([] {
    std::optional<weft::stop_source> source(std::in_place);
    bool called = false;
    std::optional<weft::stop_callback<std::function<void()>>> callback;
    callback.emplace(source->get_token(), [&] {
      bool& done = called;
      source.reset();
      callback.reset();
      done = true;
    });
    source->request_stop();
    EXPECT_TRUE(called);
  });
}

TEST(StopCallback, MayRegisterAnother) {
  everywhere([] {
    weft::stop_source source;
    int calls = 0;
    const weft::stop_callback outer(source.get_token(), [&] {
      const weft::stop_callback inner(source.get_token(), [&] { ++calls; });
      EXPECT_EQ(calls, 1);
      EXPECT_FALSE(source.request_stop());
      ++calls;
    });
    source.request_stop();
    EXPECT_EQ(calls, 2);
  });
}

// On one worker both fibers run on one thread: whoever compares threads takes the destroyer for the requester.
TEST(StopCallback, DestructorWaitsForACallbackThatIsSuspended) {
  under_seeds([](test_runtime& rt) {
    weft::stop_source source;
    weft::event go;
    bool finished = false;
    const auto callback = [&] {
      go.wait();
      yield();
      finished = true;
    };
    std::optional<weft::stop_callback<decltype(callback)>> registered(std::in_place, source.get_token(), callback);
    auto requester = rt.spawn("requester", [&] { source.request_stop(); });
    rt.run_until_idle();
    ASSERT_EQ(rt.parked_count(), 1U);
    auto destroyer = rt.spawn("destroyer", [&] {
      registered.reset();
      return finished;
    });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    destroyer.request_stop();  // no cancellation point
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    go.set();
    EXPECT_TRUE(destroyer.join());
    requester.join();
  });
}

TEST(StopCallback, DestructorOnAPlainThreadSleeps) {
  with_real_workers([](weft::runtime& rt) {
    weft::stop_source source;
    weft::event running, go;
    std::atomic<bool> finished{false};
    const auto callback = [&] {
      running.set();
      go.wait();
      finished = true;
    };
    std::optional<weft::stop_callback<decltype(callback)>> registered(std::in_place, source.get_token(), callback);
    auto requester = rt.spawn([&] { source.request_stop(); });
    running.wait();
    std::thread destroyer([&] {
      go.set();
      registered.reset();
      EXPECT_TRUE(finished);
    });
    destroyer.join();
    requester.join();
  });
}

// A callback that has destroyed itself is still on its way when another one is made at its address.
TEST(StopCallback, AnotherOneAtTheAddressOfARunningOneIsNotMistakenForIt) {
  under_seeds([](test_runtime& rt) {
    weft::stop_source source;
    weft::event go;
    using callback = weft::stop_callback<std::function<void()>>;
    alignas(callback) std::byte place[sizeof(callback)];
    ::new (place) callback(source.get_token(), [&place, &go] {
      weft::event& gate = go;
      std::launder(reinterpret_cast<callback*>(place))->~callback();
      gate.wait();
    });
    auto requester = rt.spawn("requester", [&] { source.request_stop(); });
    rt.run_until_idle();
    bool called = false;
    auto user = rt.spawn("user", [&] {
      auto* second = ::new (place) callback(source.get_token(), [&] { called = true; });
      second->~callback();
    });
    user.join();  // does not wait for the first one
    EXPECT_TRUE(called);
    EXPECT_EQ(rt.parked_count(), 1U);
    go.set();
    requester.join();
  });
}

TEST(StopCallback, WaitsOfACallbackAreNoCancellationPoints) {
  everywhere([] {
    weft::stop_source source;
    int calls = 0;
    const auto nap = [&] {
      weft::this_fiber::sleep_for(1us);
      weft::this_fiber::check_stop();
      ++calls;
    };
    const weft::stop_callback callback(source.get_token(), nap);
    weft::event go;
    auto stopped = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        go.wait();  // from here on it is stopped
      }
      source.request_stop();
      const weft::stop_callback late(source.get_token(), nap);
      EXPECT_EQ(calls, 2);
      weft::this_fiber::check_stop();
    });
    stopped.request_stop();
    go.set();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_EQ(calls, 2);
  });
}

TEST(StopCallback, AnExceptionThatLeavesItEndsTheProgram) {
  const child_result result = run_in_child([] {
    weft::stop_source source;
    const weft::stop_callback callback(source.get_token(), [] { throw 1; });
    source.request_stop();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
}

// ---- the states of fibers

TEST(StopCallback, OfAFiberRunsInTheRequesterAndFindsTheTokenMarked) {
  everywhere([] {
    auto f = weft::spawn(sleep_forever);
    const weft::stop_token token = f.get_stop_token();
    EXPECT_TRUE(token.stop_possible());
    weft::fiber_id ran_in;
    const weft::stop_callback callback(token, [&] {
      EXPECT_TRUE(token.stop_requested());
      ran_in = weft::this_fiber::get_id();
    });
    f.request_stop();
    f.request_stop();
    EXPECT_EQ(ran_in, weft::this_fiber::get_id());
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(StopCallback, OfAFiberMayWaitForThatFiber) {
  everywhere([] {
    auto f = weft::spawn(sleep_forever);
    bool ended = false;
    const weft::stop_callback callback(f.get_stop_token(), [&] { ended = f.join_for(1h); });
    f.request_stop();  // the fiber was sent on its way before the callback ran
    EXPECT_TRUE(ended);
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(StopCallback, OfTheRunningFiberWakesWhatTheStopDoesNot) {
  everywhere([] {
    weft::event called;
    auto f = weft::spawn([&] {
      const weft::stop_callback callback(weft::this_fiber::get_stop_token(), [&] { called.set(); });
      const weft::cancel_shield shield;
      called.wait();
    });
    f.request_stop();
    f.join();
  });
}

// The unwinding fiber may be faster than the requester: then its callback ends before its turn, as in std.
TEST(StopCallback, OfTheRunningFiberEndsWithIt) {
  everywhere([] {
    std::atomic<int> calls{0};
    auto f = weft::spawn(weft::fiber_options{.spread = true}, [&] {
      const weft::stop_callback callback(weft::this_fiber::get_stop_token(), listener{&calls});
      sleep_forever();
    });
    auto quiet = weft::spawn([&] {
      const weft::stop_callback callback(weft::this_fiber::get_stop_token(), [] { ADD_FAILURE(); });
      return weft::this_fiber::get_stop_token();
    });
    const weft::stop_token ended = quiet.join();
    EXPECT_FALSE(ended.stop_possible());  // nobody can request it any more
    yield();
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_LE(calls, 1);
  });
}

TEST(StopCallback, OfAFiberRunsWhenItsRuntimeIsStopped) {
  with_real_workers([](weft::runtime& rt) {
    std::atomic<int> calls{0};
    const auto count = [&] { ++calls; };
    std::vector<weft::fiber<>> all;
    std::vector<std::unique_ptr<weft::stop_callback<decltype(count)>>> callbacks;
    for (int i = 0; i < 20; ++i) {
      all.push_back(rt.spawn(sleep_forever));
      callbacks.push_back(std::make_unique<weft::stop_callback<decltype(count)>>(all.back().get_stop_token(), count));
    }
    rt.request_stop();
    EXPECT_EQ(calls, 20);
    for (auto& f : all) EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(StopCallback, OnATokenOfAnEndedFiberIsHarmless) {
  everywhere([] {
    auto stopped = weft::spawn(sleep_forever);
    const weft::stop_token token = stopped.get_stop_token();
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    bool called = false;
    const weft::stop_callback late(token, [&] { called = true; });
    EXPECT_TRUE(called);
    auto quiet = weft::spawn([] { return weft::this_fiber::get_stop_token(); });
    const weft::stop_callback never(quiet.join(), [] { ADD_FAILURE(); });
  });
}

TEST(StopCallback, OutlivesTheFiberItListensTo) {
  everywhere([] {
    auto f = weft::spawn([] {});
    const weft::stop_callback never(f.get_stop_token(), [] { ADD_FAILURE(); });
    f.join();
    auto next = weft::spawn(sleep_forever);  // most likely the same record
    next.request_stop();
    EXPECT_THROW(next.join(), weft::cancelled);
  });
}

// ---- races

// Registering and ending race the request.
void listen_while_stop_comes(const weft::stop_token& token, int registrations) {
  for (int i = 0; i < registrations; ++i) {
    std::atomic<int> calls{0};
    const bool before = token.stop_requested();
    {
      const weft::stop_callback callback(token, listener{&calls});
      if (i % 3 == 0) yield();
    }
    const int seen = calls;
    EXPECT_LE(seen, 1);
    if (before) {
      EXPECT_EQ(seen, 1);
    }
    EXPECT_EQ(calls, seen);
  }
}

void race(const std::function<void(std::function<void()>)>& start) {
  weft::stop_source source;
  std::atomic<int> winners{0}, kept_calls{0};
  const weft::stop_callback kept(source.get_token(), [&] {
    yield();
    ++kept_calls;
  });
  for (int i = 0; i < 4; ++i) start([&] { listen_while_stop_comes(source.get_token(), 20); });
  for (int i = 0; i < 3; ++i) {
    start([&, i] {
      for (int k = 0; k < 3 * i; ++k) yield();
      winners += source.request_stop() ? 1 : 0;
    });
  }
  start({});  // joins
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(kept_calls, 1);
}

TEST(StopCallback, RegistrationsRaceTheRequest) {
  everywhere([] {
    for (std::size_t round = 0; round < 5; ++round) {
      std::vector<weft::fiber<>> all;
      race([&](std::function<void()> body) {
        if (body)
          all.push_back(weft::spawn(weft::fiber_options{.spread = true}, std::move(body)));
        else
          all.clear();
      });
    }
  });
}

TEST(StopCallback, RegistrationsRaceTheRequestBetweenRuntimesAndThreads) {
  weft::runtime one({.workers = 2}), two({.workers = 1});
  const std::size_t rounds = stress_count(500);
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<weft::fiber<>> fibers;
    std::vector<std::thread> threads;
    std::size_t started = 0;
    race([&](std::function<void()> body) {
      if (!body) {
        for (std::thread& t : threads) t.join();
        for (weft::fiber<>& f : fibers) f.join();
        return;
      }
      const std::size_t where = (started++ + round) % 3;
      if (where == 0)
        fibers.push_back(one.spawn(std::move(body)));
      else if (where == 1)
        fibers.push_back(two.spawn(std::move(body)));
      else
        threads.emplace_back(std::move(body));
    });
  }
}

// Stops of a fiber that is busy registering with its own token.
TEST(StopCallback, RegistrationsRaceTheStopOfTheirFiber) {
  everywhere([] {
    for (int n = 0; n < 20; ++n) {
      auto f = weft::spawn([] { listen_while_stop_comes(weft::this_fiber::get_stop_token(), 10); });
      for (int i = 0; i < n % 7; ++i) yield();
      f.request_stop();
      f.join();
    }
  });
}

// A request waits for nobody: a destructor on the way out of a callback that runs in two fibers at a time.
TEST(StopCallback, DestroyersWaitOnlyForTheirOwnCallback) {
  under_seeds([](test_runtime& rt) {
    weft::stop_source source;
    weft::event go;
    const weft::stop_callback oldest(source.get_token(), [&] { EXPECT_TRUE(go.is_set()); });
    std::optional<weft::stop_callback<std::function<void()>>> waiting(std::in_place, source.get_token(),
                                                                      [] { ADD_FAILURE() << "destroyed in time"; });
    const weft::stop_callback newest(source.get_token(), [&] { go.wait(); });
    auto requester = rt.spawn("requester", [&] { source.request_stop(); });
    rt.run_until_idle();
    waiting.reset();  // newest runs; this one has not begun
    EXPECT_EQ(rt.parked_count(), 1U);
    go.set();
    requester.join();
  });
}

}  // namespace
