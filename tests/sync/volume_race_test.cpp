// As volume_test.cpp, with everything at once: of eight fibers on eight workers four are stopped again and again, waits end
// by their time, by a wake-up and by a stop, and what the other four are owed must reach them all the same. A wake-up that
// went to somebody who had given up shows as a wait that never ends or as a sum that is off.
#include <array>         // events
#include <atomic>        // counters
#include <chrono>        // durations
#include <memory>        // rounds
#include <mutex>         // unique_lock
#include <optional>      // received values
#include <shared_mutex>  // shared_lock
#include <stdexcept>     // initializers that fail

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/volume.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// lock() is no cancellation point, the timed forms are.
template <class Mutex>
bool locked_somehow(Mutex& m, std::size_t i) {
  switch (i % 4) {
    case 0:
      m.lock();
      return true;
    case 1:
      return m.try_lock_for(5us);
    case 2:
      return m.try_lock_for(10s);
    default:
      return m.try_lock();
  }
}

template <class Mutex>
class VolumeRaceOfLocks : public ::testing::Test {};
using timed_locks = ::testing::Types<weft::timed_mutex, weft::recursive_timed_mutex, weft::shared_timed_mutex>;
TYPED_TEST_SUITE(VolumeRaceOfLocks, timed_locks);

TYPED_TEST(VolumeRaceOfLocks, Exclude) {
  TypeParam m;
  twins value;
  std::atomic<std::uint64_t> got{0};
  in_raced_lanes([&](unsigned, std::size_t i) {
    if (!locked_somehow(m, i)) return;
    const std::unique_lock lock(m, std::adopt_lock);
    EXPECT_EQ(value.a, value.b);
    value.grow();
    ++got;
    linger(i);
  });
  EXPECT_EQ(value.a, got);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(VolumeRace, ReadersAndWriters) {
  weft::shared_timed_mutex m;
  twins value;
  std::atomic<std::uint64_t> written{0};
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    if ((lane + i) % 4 == 0) {
      if (!locked_somehow(m, i / 4)) return;
      const std::unique_lock lock(m, std::adopt_lock);
      value.grow();
      ++written;
      linger(i);
    } else {
      std::shared_lock lock(m, std::defer_lock);
      if (i % 3 == 0 ? !lock.try_lock_for(5us) : (i % 3 == 1 ? !lock.try_lock_for(10s) : (lock.lock(), false))) return;
      EXPECT_EQ(value.a, value.b);
      linger(i);
    }
  });
  EXPECT_EQ(value.a, written);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(VolumeRace, Semaphore) {
  constexpr int most = 3;
  weft::counting_semaphore<> permits(most);
  std::atomic<int> inside{0};
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    if ((lane / 2 + i) % 3 == 0) {
      if (!permits.try_acquire_for(5us)) return;
    } else {
      permits.acquire();
    }
    EXPECT_LE(++inside, most);
    linger(i);
    --inside;
    permits.release();
  });
  for (int i = 0; i < most; ++i) EXPECT_TRUE(permits.try_acquire());
  EXPECT_FALSE(permits.try_acquire());
}

// A cell of one value. Two fibers fill it and two empty it; the four that are stopped wait for the same things, and whoever
// of them is notified passes it on. Each notification is for one: were one lost to a wait that ended otherwise, the cell's
// users would wait for ever.
template <class Condition>
void notifications_of_one_reach_those_who_stay() {
  weft::mutex m;
  Condition filled, emptied;
  std::optional<std::uint64_t> cell;
  std::uint64_t sum_in = 0, sum_out = 0;
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    const bool fills = lane % 4 < 2;
    Condition& mine = fills ? emptied : filled;
    std::unique_lock lock(m);
    if (is_stopped(lane)) {
      if (i % 2 == 0 ? mine.wait_for(lock, 10us) == weft::cv_status::timeout : (mine.wait(lock), false)) return;
      mine.notify_one();
      return;
    }
    while (cell.has_value() == fills) {
      if (i % 3 == 0) {
        static_cast<void>(mine.wait_for(lock, 20us));
      } else {
        mine.wait(lock);
      }
    }
    if (fills) {
      cell = lane * 1000 + i;
      sum_in += *cell;
      i % 8 == 0 ? filled.notify_all() : filled.notify_one();
    } else {
      sum_out += *cell;
      cell.reset();
      i % 8 == 0 ? emptied.notify_all() : emptied.notify_one();
    }
  });
  EXPECT_EQ(sum_in, sum_out);
  EXPECT_FALSE(cell.has_value());
}

TEST(VolumeRace, ConditionVariable) { notifications_of_one_reach_those_who_stay<weft::condition_variable>(); }
TEST(VolumeRace, ConditionVariableAny) { notifications_of_one_reach_those_who_stay<weft::condition_variable_any>(); }

// The token of another source, the time and the notification race; and stops of the fiber itself.
TEST(VolumeRace, WaitsWithAStopToken) {
  std::atomic<std::uint64_t> stopped{0}, notified{0};
  in_raced_lanes([&](unsigned, std::size_t i) {
    weft::mutex m;
    weft::condition_variable c;
    bool done = false;
    weft::stop_source source;
    auto other = weft::spawn({.spread = i % 4 == 0}, [&] {
      if (i % 2 == 0) {
        source.request_stop();
        return;
      }
      const std::lock_guard lock(m);
      done = true;
      c.notify_one();
    });
    std::unique_lock lock(m);
    const auto is_done = [&] { return done; };
    if (i % 3 == 0 ? c.wait_for(lock, source.get_token(), 10us, is_done) : c.wait(lock, source.get_token(), is_done)) {
      EXPECT_EQ(i % 2, 1U);
      ++notified;
    } else {
      EXPECT_TRUE(i % 3 == 0 || source.stop_requested());
      ++stopped;
    }
  });
  EXPECT_LE(stopped + notified, volume());
}

// A ring of four hands its turn on, while the four that are stopped wait for anybody's turn.
TEST(VolumeRace, Event) {
  std::array<weft::event, lanes / 2> turn;
  turn[0].set();
  std::uint64_t passes = 0;  // the events order its users
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    if (is_stopped(lane)) {
      weft::event& some = turn[(lane + i) % turn.size()];
      i % 2 == 0 ? static_cast<void>(some.wait_for(5us)) : some.wait();
      return;
    }
    while (!(i % 7 == 0 ? turn[lane / 2].wait_for(20us) : (turn[lane / 2].wait(), true))) {
    }
    turn[lane / 2].reset();
    ++passes;
    turn[(lane / 2 + 1) % turn.size()].set();
  });
  EXPECT_EQ(passes, volume_per_lane() * lanes / 2);
  EXPECT_TRUE(turn[0].is_set());
}

// All eight arrive at each; an arrival stays made when the wait behind it is cancelled.
TEST(VolumeRace, Latch) {
  struct round {
    weft::latch all{lanes};
    std::atomic<unsigned> arrived{0};
  };
  const auto rounds = std::make_unique<round[]>(volume_per_lane());
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    round& r = rounds[i];
    ++r.arrived;
    switch ((lane / 2 + i) % 3) {
      case 0:
        r.all.arrive_and_wait();
        break;
      case 1:
        r.all.count_down();
        r.all.wait();
        break;
      default:
        r.all.count_down();
        while (!r.all.wait_for(50us)) {
        }
    }
    EXPECT_EQ(r.arrived, lanes);
  });
}

TEST(VolumeRace, WaitGroup) {
  struct round {
    round() { left.add(lanes); }
    weft::wait_group left;
    std::atomic<unsigned> done{0};
  };
  const auto rounds = std::make_unique<round[]>(volume_per_lane());
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    round& r = rounds[i];
    ++r.done;
    r.left.done();
    if ((lane / 2 + i) % 2 == 0) {
      r.left.wait();
    } else {
      while (!r.left.wait_for(50us)) {
      }
    }
    EXPECT_EQ(r.done, lanes);
  });
}

TEST(VolumeRace, Barrier) {
  std::uint64_t phases = 0;
  struct complete {
    std::uint64_t* n;
    void operator()() const noexcept { ++*n; }
  };
  weft::barrier<complete> b(lanes, complete{&phases});
  std::atomic<std::size_t> passed{0};  // by the first lane, which nobody stops
  std::atomic<std::uint64_t> arrivals{0};
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    ++arrivals;
    try {
      if ((lane / 2 + i) % 2 == 0) {
        b.arrive_and_wait();
      } else {
        auto arrived = b.arrive();
        if ((lane / 2 + i) % 4 == 1) {
          while (!b.wait_for(arrived, 50us)) {
          }
        } else {
          b.wait(std::move(arrived));
        }
      }
    } catch (const weft::cancelled&) {
      const weft::cancel_shield shield;
      while (passed <= i) this_fiber::sleep_for(100us);  // it has arrived, and must not do so twice in one phase
      throw;
    }
    EXPECT_GE(arrivals, (i + 1) * lanes);
    if (lane == 0) {
      EXPECT_EQ(phases, i + 1);
      passed = i + 1;
    }
  });
  EXPECT_EQ(phases, volume_per_lane());
}

// Waits inside an initializer are cancellation points: then the next caller runs it.
TEST(VolumeRace, CallOnce) {
  struct round {
    weft::once_flag once;
    std::atomic<unsigned> tries{0}, calls{0};
  };
  const auto rounds = std::make_unique<round[]>(volume_per_lane());
  in_raced_lanes([&](unsigned, std::size_t i) {
    round& r = rounds[i];
    try {
      weft::call_once(r.once, [&] {
        if (i % 3 == 0) this_fiber::sleep_for(1us);
        if (i % 3 == 1 && ++r.tries < 3) throw std::runtime_error("not yet");
        this_fiber::yield();
        ++r.calls;
      });
      EXPECT_EQ(r.calls, 1U);
    } catch (const std::runtime_error&) {
      EXPECT_LE(r.tries, lanes);
    }
  });
  for (std::size_t i = 0; i < volume_per_lane(); ++i) ASSERT_EQ(rounds[i].calls, 1U) << i;
}

// A send that was cancelled has not sent, a receive that was cancelled has taken nothing.
void sums_agree(std::size_t capacity) {
  weft::channel<std::uint64_t> c(capacity);
  std::atomic<std::uint64_t> sent{0}, received{0}, senders{lanes / 2};
  run_lanes([&](unsigned lane) {
    std::uint64_t i = 0;
    const auto send = [&] {
      while (i < volume_per_lane()) {
        std::uint64_t value = std::uint64_t{lane} << 32 | i++;
        if (i % 3 == 0) {
          if (!c.send_for(value, 5us)) continue;
        } else {
          c.send(value);
        }
        sent += value;
      }
    };
    const auto receive = [&] {
      for (unsigned k = 0;; ++k) {
        if (k % 3 == 0) {
          if (const auto value = c.receive_for(5us)) received += *value;
        } else if (const auto value = c.receive()) {
          received += *value;
        } else {
          return;
        }
      }
    };
    if (lane % 4 < 2) {
      is_stopped(lane) ? stopped_again_and_again(send) : send();
      if (--senders == 0) c.close();
    } else {
      is_stopped(lane) ? stopped_again_and_again(receive) : receive();
    }
  });
  EXPECT_EQ(sent, received);
}

TEST(VolumeRace, Rendezvous) { sums_agree(0); }
TEST(VolumeRace, ChannelOfOne) { sums_agree(1); }
TEST(VolumeRace, ChannelOfMany) { sums_agree(64); }

TEST(VolumeRace, Select) {
  weft::channel<int> a, b(4);
  std::atomic<std::int64_t> balance_a{0}, balance_b{0};
  in_raced_lanes([&](unsigned lane, std::size_t i) {
    weft::select(weft::on_send(a, static_cast<int>(lane), [&] { ++balance_a; }),
                 weft::on_receive(a, [&](std::optional<int> v) { balance_a -= v.has_value() ? 1 : 0; }),
                 weft::on_send(b, static_cast<int>(i), [&] { ++balance_b; }),
                 weft::on_receive(b, [&](std::optional<int> v) { balance_b -= v.has_value() ? 1 : 0; }),
                 weft::on_timeout(is_stopped(lane) && i % 2 == 0 ? 1h : 10us, [] {}));
  });
  EXPECT_EQ(balance_a, 0);
  EXPECT_EQ(balance_b, static_cast<std::int64_t>(b.size()));
}

// A wait that was given up leaves the future as it was.
template <class Future>
void expect_result(Future result, std::size_t i, bool polls) {
  try {
    if (polls) {
      while (result.wait_for(2us) != std::future_status::ready) {
      }
    }
    EXPECT_EQ(result.get(), i);
  } catch (const weft::cancelled&) {
    EXPECT_TRUE(result.valid());
    throw;
  }
}

TEST(VolumeRace, Future) {
  in_raced_lanes([](unsigned, std::size_t i) {
    weft::promise<std::size_t> p;
    auto result = p.get_future();
    weft::spawn({.spread = i % 8 == 0}, [p = std::move(p), i]() mutable { p.set_value(i); }).detach();
    expect_result(std::move(result), i, i % 2 == 0);
  });
}

TEST(VolumeRace, SharedFuture) {
  in_raced_lanes([](unsigned, std::size_t i) {
    weft::promise<std::size_t> p;
    const auto result = p.get_future().share();
    auto other = weft::spawn({.spread = i % 8 == 0}, [result, i] { expect_result(result, i, i % 4 < 2); });
    if (i % 2 == 0) this_fiber::yield();
    p.set_value(i);
    expect_result(result, i, i % 2 == 0);
    other.join();
  });
}

TEST(VolumeRace, PackagedTask) {
  in_raced_lanes([](unsigned, std::size_t i) {
    weft::packaged_task<std::size_t(std::size_t)> task([](std::size_t n) { return n; });
    auto result = task.get_future();
    weft::spawn({.spread = i % 8 == 0}, [task = std::move(task), i]() mutable { task(i); }).detach();
    expect_result(std::move(result), i, i % 2 == 0);
  });
}

TEST(VolumeRace, Async) {
  in_raced_lanes([](unsigned, std::size_t i) {
    expect_result(weft::async([i] {
                    if (i % 16 == 0) this_fiber::yield();
                    return i;
                  }),
                  i, i % 4 == 0);
  });
}

}  // namespace
