// A hundred thousand operations on each primitive from eight fibers on eight workers, in every build (ten million with
// WEFT_SOAK=1), each with an invariant that a lost or doubled operation breaks. Nobody is stopped here: a wake-up that is
// lost is a wait that never ends. volume_race_test.cpp has the stops, and what makes each operation wait for another worker:
// condition variables, events, barriers.
#include <array>         // slots
#include <atomic>        // counters
#include <chrono>        // durations
#include <mutex>         // lock_guard, unique_lock
#include <optional>      // received values
#include <shared_mutex>  // shared_lock
#include <vector>        // handles

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/volume.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

template <class Mutex>
void locks_exclude() {
  Mutex m;
  twins value;
  in_lanes([&](unsigned, std::size_t i) {
    const std::lock_guard lock(m);
    EXPECT_EQ(value.a, value.b);
    value.grow();
    linger(i);
  });
  EXPECT_EQ(value.a, volume_per_lane() * lanes);
}

TEST(Volume, Mutex) { locks_exclude<weft::mutex>(); }
TEST(Volume, RecursiveMutex) { locks_exclude<weft::recursive_mutex>(); }
TEST(Volume, PlainSharedMutex) { locks_exclude<weft::shared_mutex>(); }

TEST(Volume, TimedMutexes) {
  weft::timed_mutex m;
  weft::recursive_timed_mutex r;
  twins value;
  std::atomic<std::uint64_t> got{0};
  in_lanes([&](unsigned, std::size_t i) {
    const std::unique_lock outer(m, i % 3 == 0 ? 10us : 10s);
    if (!outer.owns_lock()) return;
    const std::unique_lock inner(r, 10us);
    ASSERT_TRUE(inner.owns_lock());
    EXPECT_EQ(value.a, value.b);
    value.grow();
    ++got;
  });
  EXPECT_EQ(value.a, got);
}

TEST(Volume, SharedMutex) {
  weft::shared_timed_mutex m;
  twins value;
  std::atomic<std::uint64_t> written{0};
  in_lanes([&](unsigned f, std::size_t i) {
    if ((f + i) % 4 == 0) {
      const std::unique_lock lock(m, 10s);
      value.grow();
      ++written;
      linger(i);
    } else {
      const std::shared_lock lock(m);
      EXPECT_EQ(value.a, value.b);
      linger(i);
    }
  });
  EXPECT_EQ(value.a, written);
}

TEST(Volume, Semaphore) {
  weft::counting_semaphore<> permits(3);
  std::atomic<int> inside{0};
  in_lanes([&](unsigned f, std::size_t i) {
    if ((f + i) % 5 == 0) {
      if (!permits.try_acquire_for(5us)) return;
    } else {
      permits.acquire();
    }
    EXPECT_LE(++inside, 3);
    linger(i);
    --inside;
    permits.release();
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(permits.try_acquire());
  EXPECT_FALSE(permits.try_acquire());
}

TEST(Volume, LatchesOfManyGenerations) {
  const std::size_t rounds = volume_per_lane();
  weft::run({.workers = lanes}, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      weft::latch done(lanes);
      std::atomic<unsigned> before{0};
      weft::scope s;
      for (unsigned f = 0; f < lanes; ++f) {
        s.spawn([&] {
          ++before;
          done.arrive_and_wait();
          EXPECT_EQ(before, lanes);
        });
      }
      s.join();
    }
  });
}

TEST(Volume, WaitGroupAndCallOnce) {
  struct round {
    weft::wait_group left;
    weft::once_flag once;
    std::atomic<unsigned> calls{0};
  };
  const std::size_t rounds = volume_per_lane();
  weft::run({.workers = lanes}, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      round r;
      r.left.add(lanes);
      for (unsigned f = 0; f < lanes; ++f) {
        weft::spawn({.spread = i % 4 == 0}, [&] {
          weft::call_once(r.once, [&] {
            this_fiber::yield();
            ++r.calls;
          });
          EXPECT_EQ(r.calls, 1U);
          r.left.done();
        }).detach();
      }
      r.left.wait();
      EXPECT_EQ(r.calls, 1U);
    }
  });
}

TEST(Volume, Channels) {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{64}}) {
    weft::channel<std::uint64_t> c(capacity);
    std::atomic<std::uint64_t> sent{0}, received{0}, senders{lanes / 2};
    weft::run({.workers = lanes}, [&] {
      std::vector<weft::fiber<>> all;
      for (unsigned f = 0; f < lanes / 2; ++f) {
        all.push_back(weft::spawn({.spread = true}, [&, f] {
          for (std::uint64_t i = 0; i < volume_per_lane(); ++i) {
            std::uint64_t value = std::uint64_t{f} << 32 | i;
            while (i % 5 == 0 && !c.send_for(value, 5us)) {
            }
            if (i % 5 != 0) c.send(value);
            sent += value;
          }
          if (--senders == 0) c.close();
        }));
        all.push_back(weft::spawn({.spread = true}, [&] {
          std::array<std::uint64_t, lanes / 2> next{};
          for (const std::uint64_t value : c) {
            received += value;
            ASSERT_GE(value & 0xffffffff, next[value >> 32]) << "out of order";
            next[value >> 32] = (value & 0xffffffff) + 1;
          }
        }));
      }
      for (auto& f : all) f.join();
    });
    EXPECT_EQ(sent, received);
  }
}

TEST(Volume, Select) {
  weft::channel<int> a, b(4), stop;
  std::atomic<std::int64_t> balance_a{0}, balance_b{0};
  in_lanes([&](unsigned f, std::size_t i) {
    // Each offers and asks; whoever meets nobody goes on after a moment.
    weft::select(weft::on_send(a, static_cast<int>(f), [&] { ++balance_a; }),
                 weft::on_receive(a, [&](std::optional<int> v) { balance_a -= v.has_value() ? 1 : 0; }),
                 weft::on_send(b, static_cast<int>(i), [&] { ++balance_b; }),
                 weft::on_receive(b, [&](std::optional<int> v) { balance_b -= v.has_value() ? 1 : 0; }),
                 weft::on_timeout(50us, [] {}));
  });
  EXPECT_EQ(balance_a, 0);
  EXPECT_EQ(balance_b, static_cast<std::int64_t>(b.size()));
}

TEST(Volume, Futures) {
  in_lanes([&](unsigned f, std::size_t i) {
    weft::promise<std::size_t> p;
    auto result = p.get_future();
    if (i % 4 == 0) {
      auto setter = weft::async([p = std::move(p), i]() mutable { p.set_value(i); });
      EXPECT_EQ(result.get(), i);
      setter.get();
    } else {
      p.set_value(i + f);
      EXPECT_EQ(result.get(), i + f);
    }
  });
}

TEST(Volume, StopSources) {
  std::atomic<std::uint64_t> called{0};
  in_lanes([&](unsigned, std::size_t i) {
    weft::stop_source source;
    const weft::stop_callback callback(source.get_token(), [&] { ++called; });
    if (i % 16 == 0) {
      auto requester = weft::spawn([&] { source.request_stop(); });
      requester.join();
    } else {
      source.request_stop();
    }
    EXPECT_TRUE(source.stop_requested());
  });
  EXPECT_EQ(called, volume_per_lane() * lanes);
}

TEST(Volume, ScopesAndDeadlines) {
  std::atomic<std::uint64_t> ended{0};
  in_lanes([&](unsigned, std::size_t i) {
    if (i % 4 != 0) return;
    try {
      weft::with_timeout(i % 8 == 0 ? 1us : 10s, [&] {
        weft::scope s;
        for (int k = 0; k < 3; ++k) {
          s.spawn([&] {
            ++ended;
            if (i % 8 == 0) weft::event().wait();
          });
        }
        s.join();
      });
      EXPECT_NE(i % 8, 0U);
    } catch (const weft::timed_out&) {
      EXPECT_EQ(i % 8, 0U);
    }
  });
  EXPECT_EQ(ended, (volume_per_lane() + 3) / 4 * lanes * 3);
}

}  // namespace
