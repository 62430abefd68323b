// Wakers race parkers on real threads: no wake-up may be lost, none may resume a fiber before it has been left, and
// nothing may be touched that the waiter took away. What the fibers carry over their waits is checked each time.
#include <array>   // frames
#include <chrono>  // durations
#include <thread>  // plain threads
#include <vector>  // handles

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "sched/park.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::claim_and_deliver;
using weft::detail::no_deadline;
using weft::detail::point;
using weft::detail::waiter;
using weft::detail::wake;
using weft::testing::stress_count;
using weft::testing::test_runtime;
using weft::testing::under_seeds;
using weft::testing::with_real_workers;
namespace this_fiber = weft::this_fiber;

// The smallest primitive: one side waits until the other has raised the count. One waiter at a time.
// It may be destroyed as soon as a wait has returned: the waker's last touch is the exchange.
class turnstile {
 public:
  void raise() {
    const std::uint64_t was = word_.exchange(1, std::memory_order_acq_rel);
    if (was > 1) claim_and_deliver(was, wake::notified);
  }
  void wait() {
    waiter self(point::no, "a test");
    std::uint64_t seen = 0;
    if (word_.compare_exchange_strong(seen, self.packed(), std::memory_order_acq_rel)) {
      EXPECT_EQ(self.park(no_deadline, "turnstile"), wake::notified);
    } else {
      EXPECT_EQ(self.abandon(), wake::none);
    }
    word_.store(0, std::memory_order_release);
  }

 private:
  std::atomic<std::uint64_t> word_{0};
};

// Values that live on the stack over a wait; a fiber resumed before it was left, or twice, tears them.
class carried {
 public:
  explicit carried(std::uint64_t seed) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] = seed * 0x9e3779b97f4a7c15U + i;
    seed_ = seed;
  }
  void check() const {
    for (std::size_t i = 0; i < words_.size(); ++i) ASSERT_EQ(words_[i], seed_ * 0x9e3779b97f4a7c15U + i);
  }

 private:
  volatile std::uint64_t seed_ = 0;
  std::array<std::uint64_t, 16> words_{};
};

void ping_pong(turnstile& mine, turnstile& other, std::size_t rounds, bool begins) {
  for (std::size_t i = 0; i < rounds; ++i) {
    const carried values(i);
    if (begins) other.raise();
    mine.wait();
    if (!begins) other.raise();
    values.check();
  }
}

TEST(WakeStress, PingPongBetweenFibers) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(3000);
    std::vector<std::unique_ptr<std::array<turnstile, 2>>> pairs;
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 8; ++i) {
      auto& p = *pairs.emplace_back(std::make_unique<std::array<turnstile, 2>>());
      all.push_back(
          rt.spawn(weft::fiber_options{.spread = true}, [&p, rounds] { ping_pong(p[0], p[1], rounds, true); }));
      all.push_back(
          rt.spawn(weft::fiber_options{.spread = true}, [&p, rounds] { ping_pong(p[1], p[0], rounds, false); }));
    }
    for (auto& f : all) f.join();
  });
  under_seeds([](test_runtime& rt) {
    std::array<turnstile, 2> p;
    auto a = rt.spawn("ping", [&] { ping_pong(p[0], p[1], 50, true); });
    auto b = rt.spawn("pong", [&] { ping_pong(p[1], p[0], 50, false); });
    a.join();
    b.join();
  });
}

// The worker falls asleep between any two rounds, and is woken from outside each time.
TEST(WakeStress, PingPongBetweenAFiberAndAThread) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(3000);
    std::array<turnstile, 2> p;
    auto fiber_side = rt.spawn([&] { ping_pong(p[0], p[1], rounds, false); });
    ping_pong(p[1], p[0], rounds, true);
    fiber_side.join();
  });
}

TEST(WakeStress, PingPongBetweenRuntimes) {
  with_real_workers([](weft::runtime& rt) {
    weft::runtime other(weft::runtime_options{.workers = 2});
    const std::size_t rounds = stress_count(3000);
    std::array<turnstile, 2> p;
    auto here = rt.spawn([&] { ping_pong(p[0], p[1], rounds, false); });
    auto there = other.spawn([&] { ping_pong(p[1], p[0], rounds, true); });
    here.join();
    there.join();
  });
}

// The primitive lives on the waiter's stack and is gone when its wait returns, whatever its waker still does.
TEST(WakeStress, ThePrimitiveDiesWithTheWait) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(3000);
    std::atomic<turnstile*> offered{nullptr};
    std::atomic<bool> enough{false};
    auto waker = rt.spawn(weft::fiber_options{.spread = true}, [&] {
      while (!enough) {
        if (turnstile* t = offered.exchange(nullptr); t != nullptr) {
          t->raise();
        } else {
          this_fiber::yield();
        }
      }
    });
    auto waiting = rt.spawn(weft::fiber_options{.spread = true}, [&] {
      for (std::size_t i = 0; i < rounds; ++i) {
        turnstile on_the_stack;
        offered = &on_the_stack;
        on_the_stack.wait();
      }
    });
    waiting.join();
    enough = true;
    waker.join();
  });
}

// Notification, timeout and stop race for one wait: exactly one wins, and it is the one the waiter is told.
TEST(WakeStress, ExactlyOneOfThreeWakersWins) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(2000);
    std::array<std::size_t, 3> won{};
    for (std::size_t i = 0; i < rounds; ++i) {
      std::atomic<std::uint64_t> published{0};
      std::atomic<int> claims{0};
      auto waiting = rt.spawn([&, i] {
        wake why = wake::none;
        try {
          waiter self(point::yes, "a test");
          published = self.packed();
          why = self.park(std::chrono::steady_clock::now() + std::chrono::microseconds(i % 30), "one of three");
        } catch (const weft::cancelled&) {
          why = wake::stopped;  // before it was armed
        }
        return why;
      });
      if (i % 3 != 0) {
        while (published == 0) std::this_thread::yield();
      }
      std::thread notifier;
      if (i % 16 == 0) {
        notifier = std::thread([&] {
          if (const std::uint64_t p = published; p != 0) claims += claim_and_deliver(p, wake::notified);
        });
      } else if (const std::uint64_t p = published; p != 0 && i % 2 == 0) {
        claims += claim_and_deliver(p, wake::notified);
      }
      waiting.request_stop();
      if (notifier.joinable()) notifier.join();
      const wake why = waiting.join();
      ASSERT_EQ(claims.load(), why == wake::notified ? 1 : 0);
      ASSERT_NE(why, wake::none);
      ++won[why == wake::notified ? 0 : (why == wake::timed_out ? 1 : 2)];
    }
    EXPECT_EQ(won[0] + won[1] + won[2], rounds);
  });
}

// A waker that comes too late, when the record has long had other fibers, wakes nobody.
TEST(WakeStress, StaleWakersLose) {
  weft::testing::everywhere([] {
    std::vector<std::uint64_t> stale;
    for (int i = 0; i < 50; ++i) {
      stale.push_back(weft::spawn([] {
                        waiter self(point::no, "a test");
                        const std::uint64_t packed = self.packed();
                        self.abandon();
                        return packed;
                      }).join());
    }
    auto sleeper = weft::spawn([] { this_fiber::sleep_for(5ms); });
    this_fiber::yield();
    for (const std::uint64_t p : stale) EXPECT_FALSE(claim_and_deliver(p, wake::notified));
    sleeper.join();
  });
}

// Bursts with pauses in which all workers fall asleep: work must never lie about while they do.
TEST(WakeStress, NoBurstIsOverlooked) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t bursts = stress_count(300);
    std::vector<std::thread> outsiders;
    for (unsigned t = 0; t < 2; ++t) {
      outsiders.emplace_back([&rt, bursts, t] {
        for (std::size_t i = 0; i < bursts; ++i) {
          auto root = rt.spawn([i] {
            std::vector<weft::fiber<std::size_t>> children;
            for (std::size_t c = 0; c < i % 5; ++c) children.push_back(weft::spawn([c] { return c; }));
            std::size_t sum = 0;
            for (auto& c : children) sum += c.join();
            return sum;
          });
          const std::size_t n = i % 5;
          ASSERT_TRUE(root.join_for(60s)) << "work lies about while the workers sleep";
          ASSERT_EQ(root.join(), n * (n - 1) / 2 * (n > 0));
          if (i % 8 == t) std::this_thread::sleep_for(std::chrono::microseconds(i % 300));
        }
      });
    }
    for (auto& t : outsiders) t.join();
  });
}

}  // namespace
