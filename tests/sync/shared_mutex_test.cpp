// The readers-writer lock: exclusion, phases, and each way a wait can end.
#include <atomic>        // progress of real threads
#include <chrono>        // durations
#include <mutex>         // unique_lock, scoped_lock
#include <shared_mutex>  // shared_lock
#include <thread>        // plain threads
#include <type_traits>   // is_standard_layout
#include <vector>        // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/latch.hpp>
#include <weft/sync/shared_mutex.hpp>
#include <weft/sync/shared_timed_mutex.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds
#include "support/seeded_random.hpp"
#include "support/stoppable.hpp"  // join_all

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::this_fiber::yield;

static_assert(sizeof(weft::shared_mutex) == 16 && sizeof(weft::shared_timed_mutex) == 16);
static_assert(std::is_standard_layout_v<weft::shared_mutex> && std::is_standard_layout_v<weft::shared_timed_mutex>);

// Two copies of a count, one inverted: readers look, writers change, and both look who else is there.
template <class Mutex>
struct guarded {
  Mutex m;
  std::uint64_t count = 0, inverted = ~std::uint64_t{0};
  std::atomic<int> readers{0}, most_readers{0};
  std::atomic<bool> writing{false};
  std::atomic<std::uint64_t> changes{0};

  template <class Inside>
  void read(Inside inside) {
    const int n = ++readers;
    for (int most = most_readers; most < n && !most_readers.compare_exchange_weak(most, n);) {
    }
    EXPECT_FALSE(writing);
    EXPECT_EQ(count, ~inverted);
    inside();
    EXPECT_EQ(count, ~inverted);
    --readers;
    m.unlock_shared();
  }
  template <class Inside>
  void write(Inside inside) {
    EXPECT_FALSE(writing.exchange(true));
    EXPECT_EQ(readers, 0);
    EXPECT_EQ(count, ~inverted);
    ++count;
    inside();
    inverted = ~count;
    ++changes;
    writing = false;
    m.unlock();
  }
  void check_free() {
    ASSERT_TRUE(m.try_lock());
    EXPECT_EQ(count, changes.load());
    m.unlock();
    ASSERT_TRUE(m.try_lock_shared());
    m.unlock_shared();
  }
};

void any_way(guarded<weft::shared_timed_mutex>& data, seeded_random& random) {
  const auto inside = [&] {
    if (random.below(3) == 0) yield();
  };
  const auto some_time = std::chrono::microseconds(random.below(300));
  bool reads = true;
  switch (random.below(8)) {
    case 0:
    case 1:
      data.m.lock_shared();
      break;
    case 2:
      if (!data.m.try_lock_shared()) return;
      break;
    case 3:
      if (!data.m.try_lock_shared_for(some_time)) return;
      break;
    case 4:
      if (!data.m.try_lock_shared_until(std::chrono::system_clock::now() + 1h)) return;
      break;
    case 5:
      reads = false;
      if (!data.m.try_lock()) return;
      break;
    case 6:
      reads = false;
      if (!data.m.try_lock_for(some_time)) return;
      break;
    default:
      reads = false;
      data.m.lock();
  }
  reads ? data.read(inside) : data.write(inside);
}

TEST(SharedMutex, ExcludesUnderDeadlinesAndStops) {
  everywhere([] {
    guarded<weft::shared_timed_mutex> data;
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 12; ++i) {
      fibers.push_back(weft::spawn([&, i] {
        seeded_random random(i);
        for (int n = 0; n < 20; ++n) {
          any_way(data, random);
          if (random.below(4) == 0) weft::this_fiber::sleep_for(std::chrono::microseconds(random.below(200)));
        }
      }));
    }
    for (std::size_t i = 0; i < 4; ++i) {
      yield();
      fibers[i].request_stop();
    }
    join_all(fibers);
    data.check_free();
  });
}

TEST(SharedMutex, ExcludesFibersOfTwoRuntimesAndPlainThreads) {
  const std::size_t rounds = stress_count(3000);
  for (const unsigned workers : worker_counts) {
    guarded<weft::shared_timed_mutex> data;
    weft::runtime one({.workers = workers});
    weft::runtime two({.workers = 1});
    const auto work = [&](unsigned seed) {
      seeded_random random(seed);
      for (std::size_t n = 0; n < rounds; ++n) any_way(data, random);
    };
    std::vector<weft::fiber<>> fibers;
    for (unsigned i = 0; i < 6; ++i) fibers.push_back((i % 3 == 0 ? two : one).spawn(work, i));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, 100 + i);
    for (auto& t : threads) t.join();
    for (auto& f : fibers) f.join();
    data.check_free();
  }
}

TEST(SharedMutex, WorksInTheLocksOfStd) {
  everywhere([] {
    weft::shared_mutex m, other;
    {
      const std::shared_lock a(m);
      const std::shared_lock b(m, std::try_to_lock);
      EXPECT_TRUE(b.owns_lock());
      EXPECT_FALSE(std::unique_lock(m, std::try_to_lock).owns_lock());
    }
    {
      const std::scoped_lock both(m, other);
      EXPECT_FALSE(std::shared_lock(m, std::try_to_lock).owns_lock());
    }
    weft::shared_timed_mutex timed;
    const std::shared_lock a(timed, 1h);
    EXPECT_TRUE(a.owns_lock());
    EXPECT_TRUE(std::shared_lock(timed, std::chrono::system_clock::now() - 1h).owns_lock());
    EXPECT_FALSE(std::unique_lock(timed, 0s).owns_lock());
  });
}

TEST(SharedMutex, ReadersAreInsideTogether) {
  everywhere([] {
    guarded<weft::shared_mutex> data;
    weft::latch all_inside(8);
    std::vector<weft::fiber<>> readers;
    for (int i = 0; i < 8; ++i) {
      readers.push_back(weft::spawn([&] {
        data.m.lock_shared();
        data.read([&] { all_inside.arrive_and_wait(); });
      }));
    }
    for (auto& r : readers) r.join();
    EXPECT_EQ(data.most_readers, 8);
  });
}

// ---- phases

TEST(SharedMutex, ReadersThatComeAfterAWaitingWriterComeInAfterIt) {
  under_seeds([](test_runtime& rt) {
    weft::shared_timed_mutex m;
    std::vector<char> order;
    m.lock_shared();  // by the test's own thread
    auto writer = rt.spawn("writer", [&] {
      m.lock();
      order.push_back('w');
      m.unlock();
    });
    rt.run_until_idle();
    EXPECT_FALSE(m.try_lock_shared());
    std::vector<weft::fiber<>> readers;
    for (int i = 0; i < 3; ++i) {
      readers.push_back(rt.spawn("reader", [&] {
        m.lock_shared();
        order.push_back('r');
        m.unlock_shared();
      }));
    }
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 4U);
    m.unlock_shared();
    rt.run_until_idle();
    EXPECT_EQ(order, (std::vector{'w', 'r', 'r', 'r'}));
    writer.join();
    for (auto& r : readers) r.join();
  });
}

TEST(SharedMutex, UnlockOfAWriterLetsInAllReadersAlsoPastWritersThatCameBefore) {
  under_seeds([](test_runtime& rt) {
    weft::shared_mutex m;
    int inside = 0;
    bool written = false;
    m.lock();
    auto writer = rt.spawn("writer", [&] {
      m.lock();
      EXPECT_EQ(inside, 0);
      written = true;
      m.unlock();
    });
    rt.run_until_idle();
    weft::event go;
    std::vector<weft::fiber<>> readers;
    for (int i = 0; i < 3; ++i) {
      readers.push_back(rt.spawn("reader", [&] {
        m.lock_shared();
        ++inside;
        go.wait();
        --inside;
        m.unlock_shared();
      }));
    }
    rt.run_until_idle();
    m.unlock();
    rt.run_until_idle();
    EXPECT_EQ(inside, 3);
    EXPECT_FALSE(written);
    go.set();
    writer.join();
    for (auto& r : readers) r.join();
  });
}

// Readers that overlap for ever: without a bar to newcomers the lock would never be free.
TEST(SharedMutex, AWriterGetsInUnderAStreamOfReaders) {
  const auto stream = [] {
    weft::shared_mutex m;
    std::atomic<bool> written{false};
    std::atomic<int> started{0};
    std::vector<weft::fiber<>> readers;
    for (int i = 0; i < 4; ++i) {
      readers.push_back(weft::spawn([&] {
        while (!written) {
          const std::shared_lock lock(m);
          ++started;
          yield();
        }
      }));
    }
    while (started < 8) yield();
    m.lock();
    written = true;
    m.unlock();
    for (auto& r : readers) r.join();
  };
  everywhere(stream);
}

TEST(SharedMutex, AReaderGetsInUnderAStreamOfWriters) {
  const auto stream = [] {
    weft::shared_mutex m;
    std::atomic<bool> seen{false};
    std::atomic<int> started{0};
    std::vector<weft::fiber<>> writers;
    for (int i = 0; i < 4; ++i) {
      writers.push_back(weft::spawn([&] {
        while (!seen) {
          const std::unique_lock lock(m);
          ++started;
          yield();
        }
      }));
    }
    while (started < 8) yield();
    m.lock_shared();
    seen = true;
    m.unlock_shared();
    for (auto& w : writers) w.join();
  };
  everywhere(stream);
}

// One writer that takes it again at once, and never suspends outside: others overtake it in bounded time.
TEST(SharedMutex, AGreedyWriterOvertakesAWaitingOneAFewTimesAtMost) {
  under_seeds([](test_runtime& rt) {
    weft::shared_mutex m;
    bool all_done = false;
    int turns = 0, worst = 0;
    auto greedy = rt.spawn("greedy", [&] {
      while (!all_done) {
        const std::unique_lock lock(m);
        ++turns;
        yield();
      }
    });
    std::vector<weft::fiber<>> modest;
    for (int i = 0; i < 16; ++i) {
      modest.push_back(rt.spawn("modest", [&, i] {
        for (int n = 0; n < 5; ++n) {
          const int arrival = turns;
          i % 2 == 0 ? m.lock() : m.lock_shared();
          worst = std::max(worst, turns - arrival);
          i % 2 == 0 ? m.unlock() : m.unlock_shared();
        }
      }));
    }
    for (auto& f : modest) f.join();
    all_done = true;
    greedy.join();
    EXPECT_LE(worst, 20 * 17);  // sixteen wake-ups in vain, and some, for each one before it
  });
}

// ---- how waits end

TEST(SharedMutex, TimedOutWaitsLeaveNoTrace) {
  under_seeds([](test_runtime& rt) {
    weft::shared_timed_mutex m;
    m.lock();
    auto reader = rt.spawn("reader", [&] { return m.try_lock_shared_for(5ms); });
    auto writer = rt.spawn("writer", [&] { return m.try_lock_until(rt.now() + 6ms); });
    auto patient = rt.spawn("patient", [&] {
      const bool mine = m.try_lock_shared_for(1h);
      m.unlock_shared();
      return mine;
    });
    rt.run_until_idle();
    rt.advance(5ms - 1ns);
    EXPECT_EQ(rt.parked_count(), 3U);
    rt.advance(1ns);
    EXPECT_FALSE(reader.join());
    rt.advance(1ms);
    EXPECT_FALSE(writer.join());
    EXPECT_EQ(rt.parked_count(), 1U);
    m.unlock();
    EXPECT_TRUE(patient.join());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST(SharedMutex, AWriterThatGivesUpLetsInTheReadersBehindIt) {
  for (const bool by_stop : {false, true}) {
    under_seeds([&](test_runtime& rt) {
      weft::shared_timed_mutex m;
      m.lock_shared();
      auto writer = rt.spawn("writer", [&] { EXPECT_FALSE(m.try_lock_for(5ms)); });
      rt.run_until_idle();
      auto reader = rt.spawn("reader", [&] {
        m.lock_shared();
        m.unlock_shared();
      });
      rt.run_until_idle();
      EXPECT_EQ(rt.parked_count(), 2U);
      if (by_stop)
        writer.request_stop();
      else
        rt.advance(5ms);
      rt.run_until_idle();
      EXPECT_EQ(rt.live_count(), 0U);  // the first reader still holds it
      EXPECT_EQ(join_stopped(writer), !by_stop);
      reader.join();
      m.unlock_shared();
    });
  }
}

TEST(SharedMutex, TimedLocksAreCancellationPointsOthersAreNone) {
  under_seeds([](test_runtime& rt) {
    weft::shared_timed_mutex m;
    m.lock();
    int inside = 0;
    std::vector<weft::fiber<>> timed, plain;
    timed.push_back(rt.spawn("timed reader", [&] { (void)m.try_lock_shared_for(1h); }));
    timed.push_back(rt.spawn("timed writer", [&] { (void)m.try_lock_for(1h); }));
    plain.push_back(rt.spawn("reader", [&] {
      m.lock_shared();
      ++inside;
      m.unlock_shared();
    }));
    plain.push_back(rt.spawn("writer", [&] {
      m.lock();
      ++inside;
      m.unlock();
    }));
    rt.run_until_idle();
    for (auto* fibers : {&timed, &plain}) {
      for (auto& f : *fibers) f.request_stop();
    }
    EXPECT_EQ(join_all(timed), 2);
    EXPECT_EQ(rt.parked_count(), 2U);
    m.unlock();
    EXPECT_EQ(join_all(plain), 0);
    EXPECT_EQ(inside, 2);
  });
}

// Deadlines, stops and the unlock at the same instant: whoever has not given up gets it.
TEST(SharedMutex, AWakeUpThatLosesToADeadlineOrAStopGoesToTheNext) {
  for (const bool held_by_reader : {false, true}) {
    under_seeds([&](test_runtime& rt) {
      weft::shared_timed_mutex m;
      int mine = 0, late = 0;
      auto holder = rt.spawn("holder", [&] {
        held_by_reader ? m.lock_shared() : m.lock();
        weft::this_fiber::sleep_for(1ms);
        held_by_reader ? m.unlock_shared() : m.unlock();
      });
      rt.run_until_idle();
      std::vector<weft::fiber<>> fibers;
      for (int i = 0; i < 12; ++i) {
        fibers.push_back(rt.spawn("waiter", [&, i] {
          const auto patience = i % 3 == 0 ? std::chrono::microseconds(1ms) : std::chrono::microseconds(1h);
          const bool reads = i % 2 == 0;
          if (!(reads ? m.try_lock_shared_for(patience) : m.try_lock_for(patience))) {
            ++late;
            return;
          }
          ++mine;
          if (i % 4 < 2) yield();
          reads ? m.unlock_shared() : m.unlock();
        }));
      }
      auto stopper = rt.spawn("stopper", [&] {
        weft::this_fiber::sleep_for(1ms);
        for (std::size_t i = 1; i < 12; i += 3) fibers[i].request_stop();
      });
      rt.advance(2ms);
      EXPECT_EQ(rt.live_count(), 0U) << rt.describe();
      holder.join();
      stopper.join();
      const int stopped = join_all(fibers);
      EXPECT_EQ(mine + late + stopped, 12);
      EXPECT_GE(mine, 4);  // four waited for an hour, unstopped
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    });
  }
}

TEST(SharedMutex, LoopsAroundTryLockLetTheHolderRun) {
  weft::run({.workers = 1}, [] {
    weft::shared_mutex m;
    weft::event held;
    auto holder = weft::spawn([&] {
      m.lock();
      held.set();
      for (int i = 0; i < 10; ++i) yield();
      m.unlock();
      m.lock_shared();
      for (int i = 0; i < 10; ++i) yield();
      m.unlock_shared();
    });
    held.wait();
    while (!m.try_lock_shared()) {
    }
    m.unlock_shared();
    while (!m.try_lock()) {
    }
    m.unlock();
    holder.join();
  });
}

// ---- broken contracts

TEST(SharedMutex, UnlockingWhatIsNotHeldIsReported) {
  const child_result alone = run_in_child([] {
    weft::shared_mutex m;
    m.lock_shared();
    m.unlock();
  });
  EXPECT_NE(alone.errors.find("unlock of a shared mutex that no writer holds"), std::string::npos) << alone.errors;
  const child_result shared = run_in_child([] {
    weft::shared_mutex m;
    m.lock();
    m.unlock_shared();
  });
  EXPECT_NE(shared.errors.find("that no reader holds"), std::string::npos) << shared.errors;
}

TEST(SharedMutex, DestroyingAHeldOneIsReported) {
  const child_result result = run_in_child([] {
    weft::shared_mutex m;
    m.lock_shared();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("shared mutex is destroyed while it is locked"), std::string::npos) << result.errors;
}

}  // namespace
