// Many operations from eight fibers on eight workers, in every build, sanitizers too: the point is the amount.
//
// in_lanes() lets them be. in_raced_lanes() stops every other fiber again and again, wherever it is, so that of each pair of
// neighbours one must get what belongs to it while the other gives up at any moment.
#pragma once
#include <chrono>   // pauses
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <vector>   // handles

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/latch.hpp>

#include "support/scale.hpp"

namespace weft::testing {

inline constexpr unsigned lanes = 8;

inline std::size_t volume() { return soaking() ? 10'000'000 : 100'000; }
inline std::size_t volume_per_lane() { return volume() / lanes; }

// work(lane) in eight fibers, each placed on a worker of its own; they begin when all are there, as a thread takes longer to
// start than many a lane to end.
template <class Work>
void run_lanes(Work&& work) {
  weft::run({.workers = lanes}, [&] {
    latch all_there(lanes);
    std::vector<fiber<>> all;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      all.push_back(weft::spawn({.name = "lane", .spread = true}, [&, lane] {
        all_there.arrive_and_wait();
        work(lane);
      }));
    }
    for (auto& f : all) f.join();
  });
}

// Runs work() in a fiber, here or on another worker, that is soon asked to stop, and then in another one, until it returns.
template <class Work>
void stopped_again_and_again(Work& work) {
  bool returned = false;
  unsigned life = 0;
  while (!returned) {
    auto f = weft::spawn({.name = "stopped", .spread = life % 2 == 0}, [&] {
      work();
      returned = true;
    });
    if (life % 3 == 0) {
      this_fiber::sleep_for(std::chrono::microseconds(life % 50));
    } else {
      for (unsigned k = life % 8; k != 0; --k) this_fiber::yield();
    }
    f.request_stop();
    try {
      f.join();
    } catch (const cancelled&) {
    }
    ++life;
  }
}

// In what nobody else may enter: now and then long enough for the others to come, on however few CPUs.
inline void linger(std::size_t i) {
  if (i % 64 == 0) {
    const cancel_shield shield;
    this_fiber::sleep_for(std::chrono::microseconds(1));
  } else if (i % 8 == 0) {
    this_fiber::yield();
  }
}

// body(lane, i) for each operation of each lane.
template <class Body>
void in_lanes(Body body) {
  run_lanes([&](unsigned lane) {
    const std::size_t n = volume_per_lane();
    for (std::size_t i = 0; i < n; ++i) body(lane, i);
  });
}

constexpr bool is_stopped(unsigned lane) { return lane % 2 == 1; }

// The same, but the odd lanes are stopped at any moment: an operation that was cancelled has been done, too.
template <class Body>
void in_raced_lanes(Body body) {
  run_lanes([&](unsigned lane) {
    const std::size_t n = volume_per_lane();
    std::size_t i = 0;
    const auto go_on = [&] {
      while (i < n) body(lane, i++);
    };
    is_stopped(lane) ? stopped_again_and_again(go_on) : go_on();
    EXPECT_EQ(i, n);
  });
}

// Two halves that only a holder may see apart.
struct twins {
  std::uint64_t a = 0, b = 0;
  void grow() {
    ++a;
    ++b;
  }
};

}  // namespace weft::testing
