// The park word: one winner a wait, under stale wakers, timeouts and stops, in one thread and in many.
#include <gtest/gtest.h>

#include <cstdint>  // fixed-width integers
#include <thread>   // wakers
#include <vector>   // threads

#include <weft/base/atomic.hpp>   // atomic
#include <weft/fiber/record.hpp>  // parker

#include "sched/park_word.hpp"       // park_word
#include "support/instrumented.hpp"  // instrumented

namespace {

using namespace weft::detail;
using word = park_word<>;

TEST(ParkWord, OneOfSeveralWakersWinsAWait) {
  parker p;
  const arm_result armed = word::arm(p.word, point::yes);
  EXPECT_FALSE(armed.stop_pending);
  EXPECT_EQ(word::outcome(p.word), wake::none);
  EXPECT_TRUE(word::try_claim(p.word, armed.generation, wake::timed_out));
  EXPECT_FALSE(word::try_claim(p.word, armed.generation, wake::notified));
  const stop_result stop = word::request_stop(p.word);
  EXPECT_TRUE(stop.first);
  EXPECT_FALSE(stop.claimed);
  EXPECT_EQ(word::outcome(p.word), wake::timed_out);
}

TEST(ParkWord, WakerOfAnEarlierWaitLoses) {
  parker p;
  const arm_result first = word::arm(p.word, point::no);
  ASSERT_EQ(word::disarm(p.word), wake::none);
  const arm_result second = word::arm(p.word, point::no);
  EXPECT_EQ(second.generation, first.generation + 1);
  EXPECT_FALSE(word::try_claim(p.word, first.generation, wake::notified));
  EXPECT_EQ(word::outcome(p.word), wake::none);
  EXPECT_TRUE(word::try_claim(p.word, second.generation, wake::notified));
}

TEST(ParkWord, DisarmTellsWhoWasFaster) {
  parker p;
  const arm_result first = word::arm(p.word, point::yes);
  EXPECT_EQ(word::disarm(p.word), wake::none);
  EXPECT_FALSE(word::try_claim(p.word, first.generation, wake::notified));
  const arm_result second = word::arm(p.word, point::yes);
  EXPECT_TRUE(word::try_claim(p.word, second.generation, wake::closed));
  EXPECT_EQ(word::disarm(p.word), wake::closed);
}

TEST(ParkWord, StopEndsAPointOnceAndIsSticky) {
  parker p;
  const arm_result armed = word::arm(p.word, point::yes);
  const stop_result stop = word::request_stop(p.word);
  EXPECT_TRUE(stop.first);
  EXPECT_TRUE(stop.claimed);
  EXPECT_EQ(word::outcome(p.word), wake::stopped);
  EXPECT_FALSE(word::try_claim(p.word, armed.generation, wake::notified));
  const stop_result again = word::request_stop(p.word);
  EXPECT_FALSE(again.first);
  EXPECT_FALSE(again.claimed);
  for (int i = 0; i != 3; ++i) {
    EXPECT_TRUE(word::arm(p.word, point::yes).stop_pending);
    EXPECT_TRUE(word::stopped(p.word));
  }
}

TEST(ParkWord, PendingStopLeavesNothingArmed) {
  parker p;
  ASSERT_TRUE(word::request_stop(p.word).first);
  const arm_result refused = word::arm(p.word, point::yes);
  EXPECT_TRUE(refused.stop_pending);
  EXPECT_FALSE(word::try_claim(p.word, refused.generation, wake::notified));
  EXPECT_EQ(p.word.load(memory_order_relaxed) & (parker::armed | parker::point), 0U);
}

TEST(ParkWord, StopLeavesAShieldedWaitAlone) {
  parker p;
  const arm_result armed = word::arm(p.word, point::no);
  EXPECT_FALSE(word::request_stop(p.word).claimed);
  EXPECT_EQ(word::outcome(p.word), wake::none);
  EXPECT_TRUE(word::try_claim(p.word, armed.generation, wake::notified));
  EXPECT_FALSE(word::arm(p.word, point::no).stop_pending);
  EXPECT_EQ(word::disarm(p.word), wake::none);
  EXPECT_TRUE(word::arm(p.word, point::yes).stop_pending);
}

TEST(ParkWord, KeepsTheThreadBitAndOldOutcomesApart) {
  parker p;
  p.word.store(parker::thread, memory_order_relaxed);
  for (const wake why : {wake::notified, wake::timed_out, wake::closed, wake::notified}) {
    const arm_result armed = word::arm(p.word, point::yes);
    EXPECT_EQ(word::outcome(p.word), wake::none);
    ASSERT_TRUE(word::try_claim(p.word, armed.generation, why));
    EXPECT_EQ(word::outcome(p.word), why);
    EXPECT_NE(p.word.load(memory_order_relaxed) & parker::thread, 0U);
  }
}

TEST(ParkWord, GenerationWrapsWithoutTouchingTheOtherBits) {
  parker p;
  p.word.store((std::uint64_t{0xffffffff} << parker::generation_shift) | parker::thread, memory_order_relaxed);
  const arm_result armed = word::arm(p.word, point::yes);
  EXPECT_EQ(armed.generation, 0U);
  EXPECT_EQ(p.word.load(memory_order_relaxed), parker::thread | parker::armed | parker::point | parker::inner_point);
  EXPECT_TRUE(word::try_claim(p.word, 0, wake::notified));
}

TEST(ParkWord, AnInnerStopEndsOnlyWaitsThatSeeIt) {
  parker p;
  word::arm(p.word, point::yes, point::no);
  EXPECT_FALSE(word::request_inner_stop(p.word));
  EXPECT_TRUE(word::try_claim(p.word, 1, wake::notified));
  EXPECT_FALSE(word::arm(p.word, point::yes, point::no).stop_pending);
  EXPECT_EQ(word::disarm(p.word), wake::none);
  EXPECT_TRUE(word::arm(p.word, point::no, point::yes).stop_pending);
  EXPECT_TRUE(word::pending(p.word, point::no, point::yes));
  EXPECT_FALSE(word::pending(p.word, point::yes, point::no));
  word::set_inner_stop(p.word, false);
  const arm_result armed = word::arm(p.word, point::no, point::yes);
  EXPECT_FALSE(armed.stop_pending);
  EXPECT_TRUE(word::request_stop(p.word).first);
  EXPECT_EQ(word::outcome(p.word), wake::none) << "a stop of the fiber ends no wait that hides it";
  EXPECT_TRUE(word::request_inner_stop(p.word));
  EXPECT_FALSE(word::request_inner_stop(p.word));
  EXPECT_EQ(word::outcome(p.word), wake::stopped);
}

TEST(ParkWord, PackedWakerComparesOnlyItsBitsOfTheGeneration) {
  parker p;
  p.word.store(std::uint64_t{0x0004ffff} << parker::generation_shift, memory_order_relaxed);
  ASSERT_EQ(word::arm(p.word, point::no).generation, 0x00050000U);
  EXPECT_FALSE(word::try_claim(p.word, 0xffff, wake::notified, 0xffff));
  EXPECT_FALSE(word::try_claim(p.word, 0, wake::notified));
  EXPECT_TRUE(word::try_claim(p.word, 0, wake::notified, 0xffff));
}

TEST(ParkWord, RecycledRecordForgetsTheStopButNotTheGeneration) {
  parker p;
  const arm_result armed = word::arm(p.word, point::yes);
  ASSERT_TRUE(word::request_stop(p.word).claimed);
  word::recycle(p.word);
  EXPECT_FALSE(word::stopped(p.word));
  EXPECT_EQ(word::outcome(p.word), wake::none);
  const arm_result next = word::arm(p.word, point::yes);
  EXPECT_FALSE(next.stop_pending);
  EXPECT_EQ(next.generation, armed.generation + 1);
  EXPECT_FALSE(word::try_claim(p.word, armed.generation, wake::notified));
}

// Wakers of all kinds race for every wait of one thread; each wait is won once and its data is what the winner left.
TEST(ParkWord, EveryWaitHasOneWinnerUnderContention) {
  constexpr std::uint32_t waits = weft::testing::instrumented ? 2000 : 60000;
  parker p;
  std::vector<unsigned> payload(waits + 1);  // plain: written by the winner-to-be's side before it tries
  std::vector<unsigned> claims(waits + 1);   // plain: only the winner of a wait may touch its entry
  atomic<std::uint32_t> armed_generation{0};
  atomic<std::uint32_t> delivered{0};
  const auto waker = [&](wake why) {
    for (std::uint32_t done = 0; done != waits;) {
      const std::uint32_t g = armed_generation.load(memory_order_acquire);  // pairs with the waiter's store
      if (word::try_claim(p.word, g, why)) {
        payload[g] = g * 3;
        ++claims[g];
        delivered.store(g, memory_order_release);  // pairs with the waiter's load: the delivery
      } else {
        std::this_thread::yield();
      }
      done = delivered.load(memory_order_acquire);  // pairs with the store of another waker
    }
  };
  std::vector<std::thread> threads;
  for (const wake why : {wake::notified, wake::timed_out, wake::closed}) {
    threads.emplace_back(waker, why);
  }
  for (std::uint32_t i = 1; i <= waits; ++i) {
    const arm_result armed = word::arm(p.word, i % 2 == 0 ? point::yes : point::no);
    EXPECT_EQ(armed.generation, i);
    armed_generation.store(i, memory_order_release);     // pairs with the wakers' load
    while (delivered.load(memory_order_acquire) != i) {  // pairs with the winner's store
      std::this_thread::yield();
    }
    EXPECT_NE(word::outcome(p.word), wake::none);
    EXPECT_EQ(payload[i], i * 3);
    EXPECT_EQ(claims[i], 1U);
  }
  for (std::thread& t : threads) {
    t.join();
  }
}

// A stop that races with arming either ends the wait or is seen by it.
TEST(ParkWord, StopIsNeverLostAgainstArming) {
  constexpr unsigned rounds = weft::testing::instrumented ? 1000 : 20000;
  std::vector<parker> parkers(rounds);
  std::vector<stop_result> stops(rounds);
  atomic<unsigned> begun{0}, stopped{0};
  const auto wait_for = [](const atomic<unsigned>& count, unsigned value) {
    while (count.load(memory_order_acquire) != value) {  // pairs with the other thread's store
      std::this_thread::yield();
    }
  };
  std::thread stopper([&] {
    for (unsigned round = 0; round != rounds; ++round) {
      wait_for(begun, round + 1);
      stops[round] = word::request_stop(parkers[round].word);
      stopped.store(round + 1, memory_order_release);  // pairs with wait_for
    }
  });
  for (unsigned round = 0; round != rounds; ++round) {
    begun.store(round + 1, memory_order_release);  // pairs with wait_for
    for (unsigned spin = 0; spin != round % 16; ++spin) {
      spin_pause();
    }
    const arm_result armed = word::arm(parkers[round].word, point::yes);
    wait_for(stopped, round + 1);
    EXPECT_TRUE(stops[round].first);
    EXPECT_NE(stops[round].claimed, armed.stop_pending) << "round " << round;
    EXPECT_EQ(word::outcome(parkers[round].word) == wake::stopped, stops[round].claimed);
  }
  stopper.join();
}

}  // namespace
