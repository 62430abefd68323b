// The timer heap against a multimap, in virtual time: never early, in order of deadline, nothing lost, nothing fired
// twice, and no pile of entries whose waits are over.
#include <algorithm>  // min
#include <chrono>     // durations
#include <map>        // the model
#include <memory>     // unique_ptr
#include <random>     // operations
#include <vector>     // parkers

#include <gtest/gtest.h>

#include "sched/timers.hpp"
#include "support/scale.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using weft::detail::no_deadline;
using weft::detail::parker;
using weft::detail::time_point;
using weft::detail::timer_heap;
using weft::testing::stress_count;

constexpr std::size_t sweep_minimum = 64;  // as in the heap

// now + d, without overflow at either end.
time_point shifted(time_point now, steady_clock::duration d) {
  if (d > 0ns && now > no_deadline - 1ns - d) return no_deadline - 1ns;
  if (d < 0ns && now < time_point::min() - d) return time_point::min();
  return now + d;
}

// A parker stands for a fiber: it waits, is woken by its timer or by somebody else, and runs some time later; only then
// can it tell the heap that its timer is not needed any more.
class timers_and_model {
 public:
  explicit timers_and_model(unsigned seed) : random_(seed) {}

  void operate() {
    const unsigned kind = draw(100);
    if (kind < 45) {
      add();
    } else if (kind < 75) {
      wake_one_early();
      if (draw(2) == 0) run_woken(1);
    } else if (kind < 80) {
      run_woken(draw(20));
    } else if (kind < 95) {
      let_time_pass(some_distance(draw(40)));
    } else if (kind < 97) {
      let_time_pass(some_distance(draw(63)));  // a suspended machine, a debugger
    } else if (kind < 99) {
      now_ = shifted(now_, -some_distance(draw(20)));  // a tick read before another worker's
    } else {
      now_ = time_point{} + std::chrono::seconds(draw(1'000'000));
    }
    check_next();
  }
  void finish() {
    while (!model_.empty()) {
      now_ = std::max(now_, model_.begin()->first);
      expire(SIZE_MAX);
      if (::testing::Test::HasFatalFailure()) return;
    }
    run_woken(SIZE_MAX);
    check_next();
    EXPECT_EQ(heap_.size(), 0U);
  }

 private:
  unsigned draw(unsigned n) { return static_cast<unsigned>(random_() % n); }

  // Around every power of two, where coarser designs have their edges.
  steady_clock::duration some_distance(unsigned power) {
    return steady_clock::duration((std::int64_t{1} << power) + static_cast<int>(draw(3)) - 1);
  }
  time_point some_deadline() {
    switch (draw(20)) {
      case 0:
        return now_;
      case 1:
        return shifted(now_, -1ns);
      case 2:
        return shifted(now_, -some_distance(draw(63)));
      case 3:
        return no_deadline - 1ns;
      case 4:
        return model_.empty() ? now_ : model_.begin()->first;  // equal to another
      case 5:
        return shifted(model_.empty() ? now_ : model_.begin()->first, std::chrono::nanoseconds(draw(3)) - 1ns);
      default:
        return shifted(now_, some_distance(draw(63)));
    }
  }

  void add() {
    parker* p = nullptr;
    if (idle_.empty()) {
      p = all_.emplace_back(std::make_unique<parker>()).get();
      ASSERT_TRUE(heap_.reserve(all_.size()));
    } else {
      p = idle_.back();
      idle_.pop_back();
    }
    const std::uint64_t generation = (p->word.load() >> parker::generation_shift) + 1;
    p->word.store(generation << parker::generation_shift | parker::armed);
    const time_point deadline = some_deadline();
    heap_.add(deadline, *p, static_cast<std::uint32_t>(generation));
    model_.emplace(deadline, p);
    check_size();
  }
  static void claim(parker& p) { p.word.store(p.word.load() & ~parker::armed); }

  void wake_one_early() {
    if (model_.empty()) return;
    auto at = model_.begin();
    std::advance(at, draw(static_cast<unsigned>(std::min<std::size_t>(model_.size(), 50))));
    claim(*at->second);
    woken_.push_back(at->second);
    model_.erase(at);
  }
  void run_woken(std::size_t most) {
    for (; most != 0 && !woken_.empty(); --most) {
      idle_.push_back(woken_.back());
      woken_.pop_back();
      heap_.note_abandoned();
      check_size();
    }
  }
  void let_time_pass(steady_clock::duration d) {
    now_ = shifted(now_, d);
    expire(draw(4) == 0 ? draw(30) : SIZE_MAX);
  }

  // A worker may stop after some and go on in its next round.
  void expire(std::size_t most) {
    time_point last = time_point::min();
    timer_heap::entry e{};
    for (; most != 0; --most) {
      if (!heap_.pop_due(now_, e)) {
        ASSERT_TRUE(model_.empty() || model_.begin()->first > now_) << "missed";
        break;
      }
      ASSERT_LE(e.deadline, now_) << "early";
      ASSERT_GE(e.deadline, last) << "out of order";
      last = e.deadline;
      const std::uint64_t word = e.who->word.load();
      if ((word & parker::armed) == 0 || word >> parker::generation_shift != e.generation) continue;  // left behind
      auto [at, end_of_equals] = model_.equal_range(e.deadline);
      while (at != end_of_equals && at->second != e.who) ++at;
      ASSERT_NE(at, end_of_equals) << "fired twice, or never added";
      ASSERT_TRUE(at == model_.begin() || model_.begin()->first == e.deadline) << "an earlier one was passed over";
      model_.erase(at);
      claim(*e.who);
      idle_.push_back(e.who);
      meddle(last);
    }
    heap_.tidy();
    check_size();
  }
  // What the fibers that were woken do before the rest expires.
  void meddle(time_point& last) {
    switch (draw(8)) {
      case 0:
        wake_one_early();
        break;
      case 1:
        run_woken(2);
        break;
      case 2:
        add();
        last = time_point::min();  // it may be due, and earlier
        break;
      default:
        break;
    }
  }

  void check_next() { ASSERT_EQ(heap_.next_deadline(), model_.empty() ? no_deadline : model_.begin()->first); }
  void check_size() {
    ASSERT_GE(heap_.size(), model_.size());
    ASSERT_LE(heap_.size(), all_.size() + std::max(all_.size(), sweep_minimum)) << "entries of ended waits pile up";
  }

  std::mt19937_64 random_;
  time_point now_ = time_point{} + 1h;
  timer_heap heap_;
  std::multimap<time_point, parker*> model_;
  std::vector<std::unique_ptr<parker>> all_;
  std::vector<parker*> idle_;   // run, wait for nothing
  std::vector<parker*> woken_;  // by others than their timer, and have not run yet
};

// Ten million operations in all, a million under sanitizers: a test for each seed, as one would take seconds.
class TimerModelOfSeed : public ::testing::TestWithParam<unsigned> {};

TEST_P(TimerModelOfSeed, TheHeapBehavesAsAMultimap) {
  const std::size_t operations = stress_count(1'000'000);
  timers_and_model pair(GetParam());
  for (std::size_t i = 0; i < operations; ++i) {
    pair.operate();
    if (HasFatalFailure()) return;
  }
  pair.finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerModelOfSeed, ::testing::Range(0U, 10U));

TEST(TimerModel, WaitsThatEndEarlyLeaveNoGrowingHeap) {
  timer_heap heap;
  parker p;
  ASSERT_TRUE(heap.reserve(1));
  for (std::uint64_t generation = 1; generation <= 10'000; ++generation) {
    p.word.store(generation << parker::generation_shift | parker::armed);
    heap.add(time_point{} + 1h, p, static_cast<std::uint32_t>(generation));
    p.word.store(generation << parker::generation_shift);
    heap.note_abandoned();
    ASSERT_LE(heap.size(), sweep_minimum);
  }
}

// The half of a burst that lives keeps the other half's entries from being the majority; when it has gone, they go too.
TEST(TimerModel, WhatABurstLeavesBehindGoesWhenItsLastTimerHasFired) {
  timer_heap heap;
  constexpr std::size_t pairs = 10'000;
  std::vector<parker> all(2 * pairs);
  ASSERT_TRUE(heap.reserve(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].word.store(std::uint64_t{1} << parker::generation_shift | parker::armed);
    heap.add(time_point{} + (i < pairs ? 1s : 1h), all[i], 1);
  }
  for (std::size_t i = pairs; i < all.size(); ++i) {
    all[i].word.store(std::uint64_t{1} << parker::generation_shift);
    heap.note_abandoned();
  }
  std::size_t fired = 0;
  for (timer_heap::entry e{}; heap.pop_due(time_point{} + 2s, e); ++fired) e.who->word.store(0);
  EXPECT_EQ(fired, pairs);
  heap.tidy();
  EXPECT_EQ(heap.size(), 0U);
}

}  // namespace
