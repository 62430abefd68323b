// The inbox on real threads: everything arrives once and in order, and sleep ends whenever something arrives. The model
// test covers the interleavings; this one covers the compiled code, the futex and ThreadSanitizer.
#include <gtest/gtest.h>

#include <cstdint>  // fixed-width integers
#include <thread>   // real producers
#include <vector>   // nodes

#include "base/futex.hpp"            // futex_wait, futex_wake
#include "sched/inbox.hpp"           // inbox
#include "sched/park.hpp"            // no_deadline
#include "support/instrumented.hpp"  // instrumented

namespace {

using namespace weft::detail;

struct letter {
  letter* next = nullptr;
  unsigned sender = 0;
  unsigned number = 0;  // plain: must be visible by the push alone
};

using mailbox = inbox<letter>;

unsigned count(letter* l) {
  unsigned n = 0;
  for (; l != nullptr; l = l->next) {
    ++n;
  }
  return n;
}

TEST(Inbox, ReturnsNodesInTheOrderOfTheirPushes) {
  mailbox box;
  letter letters[3];
  EXPECT_TRUE(box.empty_hint());
  EXPECT_EQ(box.take_all(), nullptr);
  for (letter& l : letters) {
    EXPECT_EQ(box.push(&l), sleep_kind::none);
  }
  EXPECT_FALSE(box.empty_hint());
  letter* const first = box.take_all();
  ASSERT_EQ(first, &letters[0]);
  EXPECT_EQ(first->next, &letters[1]);
  EXPECT_EQ(first->next->next, &letters[2]);
  EXPECT_EQ(count(first), 3U);
  EXPECT_EQ(box.take_all(), nullptr);
}

TEST(Inbox, DoesNotFallAsleepOverMail) {
  mailbox box;
  letter l;
  box.push(&l);
  EXPECT_FALSE(box.fall_asleep(sleep_kind::futex));
  EXPECT_EQ(box.asleep(), sleep_kind::none);
  EXPECT_EQ(box.take_all(), &l);
}

TEST(Inbox, OnlyTheFirstPushOfASleepOwnsTheWakeUp) {
  for (const sleep_kind kind : {sleep_kind::futex, sleep_kind::poller}) {
    mailbox box;
    letter a, b;
    ASSERT_TRUE(box.fall_asleep(kind));
    EXPECT_EQ(box.asleep(), kind);
    EXPECT_EQ(box.take_all(), nullptr);
    EXPECT_EQ(box.asleep(), kind) << "taking nothing must not end the sleep unseen";
    EXPECT_EQ(box.push(&a), kind);
    EXPECT_EQ(box.push(&b), sleep_kind::none);
    EXPECT_EQ(box.poke(), sleep_kind::none);
    EXPECT_FALSE(box.wake_up());
    EXPECT_EQ(count(box.take_all()), 2U);
  }
}

TEST(Inbox, PokeEndsASleepOnce) {
  mailbox box;
  EXPECT_EQ(box.poke(), sleep_kind::none);
  ASSERT_TRUE(box.fall_asleep(sleep_kind::poller));
  EXPECT_EQ(box.poke(), sleep_kind::poller);
  EXPECT_EQ(box.poke(), sleep_kind::none);
  EXPECT_FALSE(box.wake_up());
}

TEST(Inbox, SleeperThatWakesByItselfTakesItsMarkerBack) {
  mailbox box;
  ASSERT_TRUE(box.fall_asleep(sleep_kind::futex));
  EXPECT_TRUE(box.wake_up());
  EXPECT_EQ(box.asleep(), sleep_kind::none);
  letter l;
  EXPECT_EQ(box.push(&l), sleep_kind::none);
  EXPECT_EQ(box.take_all(), &l);
}

TEST(Inbox, LosesNothingBetweenProducersAndASleepingConsumer) {
  constexpr unsigned producers = 3;
  constexpr unsigned each = weft::testing::instrumented ? 3000 : 60000;
  mailbox box;
  std::vector<letter> letters(producers * each);
  std::vector<std::thread> threads;
  for (unsigned sender = 0; sender != producers; ++sender) {
    threads.emplace_back([&box, own = letters.data() + sender * each, sender] {
      for (unsigned i = 0; i != each; ++i) {
        own[i].sender = sender;
        own[i].number = i + 1;
        if (box.push(&own[i]) != sleep_kind::none) {
          futex_wake(box.futex_address(), 1);
        }
        if (i % 64 == 63) {
          std::this_thread::yield();  // lets the consumer run dry, and so sleep
        }
      }
    });
  }
  unsigned last[producers] = {};
  std::uint64_t sum = 0;
  for (unsigned taken = 0; taken != producers * each;) {
    letter* l = box.take_all();
    if (l == nullptr && box.fall_asleep(sleep_kind::futex)) {
      while (box.asleep() != sleep_kind::none) {
        futex_wait(box.futex_address(), mailbox::futex_value, no_deadline);
      }
      EXPECT_FALSE(box.wake_up());
    }
    while (l != nullptr) {
      letter* const rest = l->next;
      EXPECT_EQ(l->number, last[l->sender] + 1) << "of sender " << l->sender;
      last[l->sender] = l->number;
      sum += l->number;
      ++taken;
      l = rest;
    }
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_EQ(sum, std::uint64_t{producers} * each * (each + 1) / 2);
  EXPECT_EQ(box.take_all(), nullptr);
}

}  // namespace
