// Which waits are cancellation points and which are not; stickiness; unwinding; shields; points where nothing may throw.
#include <atomic>      // flags
#include <chrono>      // durations
#include <functional>  // function
#include <mutex>       // unique_lock
#include <optional>    // a scope with an end
#include <string>      // names
#include <utility>     // move
#include <vector>      // tables

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/death_style.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// ---- the table. Each wait would never end by itself.

struct wait_case {
  std::string name;
  std::function<void()> wait;
};

struct world {
  weft::event never;
  weft::wait_group group;
  weft::mutex held;
  weft::condition_variable condition;
  weft::timed_mutex timed;
  weft::recursive_timed_mutex recursive;
  weft::shared_timed_mutex written;
  weft::counting_semaphore<> no_permits{0};
  weft::latch closed{1};
  weft::promise<int> promise;
  weft::shared_future<int> result = promise.get_future();
  weft::channel<int> silent;
  weft::event ended;
  std::optional<weft::fiber<>> other;

  world() {
    group.add(1);
    held.lock();
    timed.lock();
    written.lock();
    recursive.lock();
    other.emplace(weft::spawn([this] {
      const weft::cancel_shield shield;
      ended.wait();
    }));
  }
  ~world() {
    recursive.unlock();
    written.unlock();
    timed.unlock();
    held.unlock();
    group.done();
    ended.set();
  }
};

constexpr auto far_away = std::chrono::steady_clock::time_point::max() - 1ns;

// A condition nobody notifies; `wait` gets the variable and the lock.
template <class Condition, class Wait>
void wait_on_a_condition(Wait wait) {
  Condition condition;
  weft::mutex m;
  std::unique_lock lock(m);
  wait(condition, lock);
}

std::vector<wait_case> points_with_an_end(world& w) {
  const auto no = [] { return false; };
  return {
      {"event::wait_until", [&] { static_cast<void>(w.never.wait_until(far_away)); }},
      {"wait_group::wait_for", [&] { static_cast<void>(w.group.wait_for(24h)); }},
      {"wait_group::wait_until", [&] { static_cast<void>(w.group.wait_until(far_away)); }},
      {"condition_variable::wait_until",
       [=] {
         wait_on_a_condition<weft::condition_variable>([=](auto& c, auto& lock) { c.wait_until(lock, far_away, no); });
       }},
      {"condition_variable::wait with a token",
       [=] {
         const weft::stop_source other;
         wait_on_a_condition<weft::condition_variable>(
             [&](auto& c, auto& lock) { c.wait(lock, other.get_token(), no); });
       }},
      {"condition_variable::wait_for with a token",
       [=] {
         const weft::stop_source other;
         wait_on_a_condition<weft::condition_variable>(
             [&](auto& c, auto& lock) { c.wait_for(lock, other.get_token(), 24h, no); });
       }},
      {"condition_variable::wait_until with a token",
       [=] {
         const weft::stop_source other;
         wait_on_a_condition<weft::condition_variable>(
             [&](auto& c, auto& lock) { c.wait_until(lock, other.get_token(), far_away, no); });
       }},
      {"condition_variable_any::wait_for",
       [=] {
         wait_on_a_condition<weft::condition_variable_any>([=](auto& c, auto& lock) { c.wait_for(lock, 24h, no); });
       }},
      {"condition_variable_any::wait_until",
       [=] {
         wait_on_a_condition<weft::condition_variable_any>(
             [=](auto& c, auto& lock) { c.wait_until(lock, far_away, no); });
       }},
      {"timed_mutex::try_lock_until", [&] { static_cast<void>(w.timed.try_lock_until(far_away)); }},
      {"recursive_timed_mutex::try_lock_until", [&] { static_cast<void>(w.recursive.try_lock_until(far_away)); }},
      {"shared_timed_mutex::try_lock_until", [&] { static_cast<void>(w.written.try_lock_until(far_away)); }},
      {"shared_timed_mutex::try_lock_shared_until",
       [&] { static_cast<void>(w.written.try_lock_shared_until(far_away)); }},
      {"counting_semaphore::try_acquire_until", [&] { static_cast<void>(w.no_permits.try_acquire_until(far_away)); }},
      {"latch::wait_for", [&] { static_cast<void>(w.closed.wait_for(24h)); }},
      {"latch::wait_until", [&] { static_cast<void>(w.closed.wait_until(far_away)); }},
      {"barrier::wait_for",
       [] {
         weft::barrier<> b(2);
         static_cast<void>(b.wait_for(b.arrive(), 24h));
       }},
      {"barrier::wait_until",
       [] {
         weft::barrier<> b(2);
         static_cast<void>(b.wait_until(b.arrive(), far_away));
       }},
      {"future::wait_until", [&] { w.result.wait_until(far_away); }},
      {"channel::send_for",
       [&] {
         int value = 1;
         static_cast<void>(w.silent.send_for(value, 24h));
       }},
      {"channel::send_until",
       [&] {
         int value = 1;
         static_cast<void>(w.silent.send_until(value, far_away));
       }},
      {"channel::receive_until", [&] { w.silent.receive_until(far_away); }},
      {"fiber::join_until", [&] { static_cast<void>(w.other->join_until(far_away)); }},
      {"with_deadline", [&] { weft::with_deadline(far_away, [&] { w.never.wait(); }); }},
  };
}

std::vector<wait_case> points_without_an_end(world& w) {
  return {
      {"sleep_for", [] { this_fiber::sleep_for(24h); }},
      {"sleep_until", [] { this_fiber::sleep_until(std::chrono::steady_clock::time_point::max()); }},
      {"check_stop",
       [] {
         for (;;) {
           this_fiber::check_stop();
           this_fiber::yield();
         }
       }},
      {"event::wait", [&] { w.never.wait(); }},
      {"event::wait_for", [&] { static_cast<void>(w.never.wait_for(24h)); }},
      {"wait_group::wait", [&] { w.group.wait(); }},
      {"condition_variable::wait",
       [&] {
         weft::mutex m;
         std::unique_lock lock(m);
         w.condition.wait(lock, [] { return false; });
       }},
      {"condition_variable::wait_for",
       [&] {
         weft::mutex m;
         std::unique_lock lock(m);
         w.condition.wait_for(lock, 24h, [] { return false; });
       }},
      {"condition_variable_any::wait",
       [&] {
         weft::condition_variable_any any;
         weft::mutex m;
         std::unique_lock lock(m);
         any.wait(lock, [] { return false; });
       }},
      {"timed_mutex::try_lock_for", [&] { static_cast<void>(w.timed.try_lock_for(24h)); }},
      {"recursive_timed_mutex::try_lock_for", [&] { static_cast<void>(w.recursive.try_lock_for(24h)); }},
      {"shared_timed_mutex::try_lock_for", [&] { static_cast<void>(w.written.try_lock_for(24h)); }},
      {"shared_timed_mutex::try_lock_shared_for", [&] { static_cast<void>(w.written.try_lock_shared_for(24h)); }},
      {"counting_semaphore::acquire", [&] { w.no_permits.acquire(); }},
      {"counting_semaphore::try_acquire_for", [&] { static_cast<void>(w.no_permits.try_acquire_for(24h)); }},
      {"latch::wait", [&] { w.closed.wait(); }},
      {"latch::arrive_and_wait",
       [] {
         weft::latch l(2);
         l.arrive_and_wait();
       }},
      {"barrier::wait",
       [] {
         weft::barrier<> b(2);
         b.wait(b.arrive());
       }},
      {"barrier::arrive_and_wait",
       [] {
         weft::barrier<> b(2);
         b.arrive_and_wait();
       }},
      {"future::get", [&] { w.result.get(); }},
      {"future::wait_for", [&] { w.result.wait_for(24h); }},
      {"channel::send", [&] { w.silent.send(1); }},
      {"channel::receive", [&] { w.silent.receive(); }},
      {"channel::receive_for", [&] { w.silent.receive_for(24h); }},
      {"select",
       [&] {
         weft::select(weft::on_receive(w.silent, [](std::optional<int>) {}), weft::on_send(w.silent, 1, [] {}),
                      weft::on_timeout(24h, [] {}));
       }},
      {"fiber::join", [&] { w.other->join(); }},
      {"fiber::join_for", [&] { static_cast<void>(w.other->join_for(24h)); }},
      {"scope::join",
       [&] {
         weft::scope s;
         s.spawn([&] { w.never.wait(); });
         s.join();
       }},
      {"with_scope", [&] { weft::with_scope([&](weft::scope&) { w.never.wait(); }); }},
      {"with_timeout", [&] { weft::with_timeout(24h, [&] { w.never.wait(); }); }},
      {"when_all", [&] { weft::when_all([&] { w.never.wait(); }, [] {}); }},
      {"when_any", [&] { weft::when_any([&] { w.never.wait(); }, [&] { w.group.wait(); }); }},
      {"parallel_invoke", [&] { weft::parallel_invoke([&] { w.never.wait(); }, [&] { w.group.wait(); }); }},
      {"parallel_for", [&] { weft::parallel_for(0, 3, [&](int) { w.never.wait(); }); }},
      {"parallel_reduce",
       [&] {
         weft::parallel_reduce(0, 3, 0, std::plus<>(), [&](int i) {
           w.never.wait();
           return i;
         });
       }},
  };
}

std::vector<wait_case> points(world& w) {
  auto all = points_without_an_end(w);
  for (auto& c : points_with_an_end(w)) all.push_back(std::move(c));
  return all;
}

TEST(CancellationPoints, EachEndsWithCancelledWhetherStoppedBeforeOrWhileItWaits) {
  everywhere([] {
    world w;
    for (const wait_case& c : points(w)) {
      for (const bool early : {true, false}) {
        weft::event inside;
        auto f = weft::spawn([&] {
          inside.set();
          c.wait();
          ADD_FAILURE() << c.name << " returned";
        });
        if (!early) inside.wait();
        f.request_stop();
        EXPECT_THROW(f.join(), weft::cancelled) << c.name;
      }
    }
  });
}

TEST(CancellationPoints, EachThrowsAgainWhenSwallowed) {
  everywhere([] {
    world w;
    for (const wait_case& c : points(w)) {
      auto f = weft::spawn([&] {
        int thrown = 0;
        for (int i = 0; i < 3; ++i) {
          try {
            c.wait();
          } catch (const weft::cancelled&) {
            ++thrown;
          }
        }
        return thrown;
      });
      f.request_stop();
      EXPECT_EQ(f.join(), 3) << c.name;
    }
  });
}

// What destructors and cleanup code need must work in a stopped fiber.
TEST(NoCancellationPoints, OfAStoppedFiberGoOnAsUsual) {
  everywhere([] {
    auto f = weft::spawn([] {
      while (!this_fiber::get_stop_token().stop_requested()) this_fiber::yield();
      weft::mutex m;
      bool got_it = false;
      {
        std::unique_lock lock(m);
        auto contender = weft::spawn([&] {
          const weft::cancel_shield shield;
          const std::unique_lock inner(m);
          got_it = true;
        });
        this_fiber::yield();
        lock.unlock();
        lock.lock();  // contended
        lock.unlock();
      }  // ~fiber waits
      EXPECT_TRUE(got_it);
      {
        weft::shared_mutex rw;
        rw.lock();
        auto reader = weft::spawn([&] {
          const weft::cancel_shield shield;
          rw.lock_shared();
          rw.unlock_shared();
        });
        this_fiber::yield();
        rw.unlock();
        rw.lock();  // contended, to write
        rw.unlock();
        rw.lock_shared();
        rw.unlock_shared();
        weft::recursive_mutex again;
        again.lock();
        again.lock();
        again.unlock();
        again.unlock();
      }
      weft::once_flag once;
      bool called = false;
      auto first = weft::spawn([&] {
        const weft::cancel_shield shield;
        weft::call_once(once, [&] {
          this_fiber::sleep_for(1us);
          called = true;
        });
      });
      this_fiber::yield();
      weft::call_once(once, [&] { called = true; });
      EXPECT_TRUE(called);
      bool ran = false;
      {
        weft::scope s;
        s.spawn([&] { ran = true; });
      }  // ~scope waits
      EXPECT_TRUE(ran);
      EXPECT_TRUE(m.try_lock());
      m.unlock();
      return true;
    });
    f.request_stop();
    EXPECT_TRUE(f.join());
  });
}

TEST(Cancellation, TheReLockOfAConditionVariableIsNoPoint) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    bool waiting = false;
    bool owned = false;
    auto f = weft::spawn([&] {
      std::unique_lock lock(m);
      waiting = true;
      try {
        c.wait(lock, [] { return false; });
      } catch (const weft::cancelled&) {
        owned = lock.owns_lock();
        throw;
      }
    });
    for (;;) {
      const std::unique_lock lock(m);
      if (waiting) break;
      this_fiber::yield();
    }
    {
      const std::unique_lock lock(m);
      f.request_stop();
      for (int i = 0; i < 3; ++i) this_fiber::yield();  // it has been woken, and has to wait for the mutex
    }
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(owned);
  });
}

TEST(Cancellation, IsMaskedWhileUnwindingAndPendingAfterwards) {
  everywhere([] {
    struct waits_in_destructor {
      int& waits;
      ~waits_in_destructor() {
        this_fiber::sleep_for(1us);
        weft::event e;
        EXPECT_FALSE(e.wait_for(1us));
        this_fiber::check_stop();
        ++waits;
      }
    };
    int waits = 0;
    bool again = false;
    auto f = weft::spawn([&] {
      try {
        const waits_in_destructor w{waits};
        weft::event().wait();
      } catch (const weft::cancelled&) {
      }
      try {
        this_fiber::sleep_for(24h);
      } catch (const weft::cancelled&) {
        again = true;
        throw;
      }
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_EQ(waits, 1);
    EXPECT_TRUE(again);
  });
}

TEST(Cancellation, IsNotMaskedInsideACatchBlock) {
  everywhere([] {
    auto f = weft::spawn([] {
      try {
        throw 1;
      } catch (int) {
        weft::event().wait();
      }
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Cancellation, IsHeldBackByNestedShieldsAndNeverLost) {
  everywhere([] {
    bool inner_done = false;
    auto f = weft::spawn([&] {
      while (!this_fiber::get_stop_token().stop_requested()) this_fiber::yield();
      {
        const weft::cancel_shield outer;
        {
          const weft::cancel_shield inner;
          this_fiber::sleep_for(1us);
        }
        this_fiber::sleep_for(1us);
        this_fiber::check_stop();
        inner_done = true;
      }
      this_fiber::check_stop();
      ADD_FAILURE() << "the stop was lost";
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_TRUE(inner_done);
  });
}

class CancellationUnderNoexcept : public testing::Test {
 protected:
  void SetUp() override { weft::testing::use_safest_death_style(); }
};

void waits_in_a_noexcept_function() noexcept { weft::event().wait(); }

struct sleeps_in_its_destructor {
  ~sleeps_in_its_destructor() { this_fiber::sleep_for(24h); }
};

void die_of(void (*f)()) {
  weft::run({.workers = 1}, [f] {
    auto doomed = weft::spawn({.name = "doomed"}, f);
    this_fiber::yield();
    doomed.request_stop();
    doomed.join();
  });
}

TEST_F(CancellationUnderNoexcept, DiesWithTheFibersNameAndThePoint) {
  EXPECT_DEATH(die_of([] { waits_in_a_noexcept_function(); }),
               "terminate in fiber 'doomed'(.|\n)*cancellation point: event");
  EXPECT_DEATH(die_of([] { const sleeps_in_its_destructor late; }),
               "terminate in fiber 'doomed'(.|\n)*cancellation point: sleep(.|\n)*cancel_shield");
}

}  // namespace
