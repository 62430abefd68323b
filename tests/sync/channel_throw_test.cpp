// Values whose moves throw: the exception reaches whoever's call made the move, no value is lost or doubled, and the
// channel works on.
#include <memory>   // shared_ptr
#include <utility>  // exchange
#include <vector>   // fibers

#include <gtest/gtest.h>

#include <weft/sync/channel.hpp>
#include <weft/sync/select.hpp>

#include "support/schedules.hpp"      // everywhere, under_seeds
#include "support/seeded_random.hpp"  // which moves fail

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::channel;

struct move_failed {};

// Fails the moves of one case; strong: a failed move leaves its source as it was.
struct fragile {
  fragile(int n, int* fuse) : number(n), failures(fuse) {}
  fragile(fragile&& other) : number(other.number), failures(other.failures) {
    if (number >= 0 && *failures > 0) {
      --*failures;
      throw move_failed();
    }
    other.number = -1;
  }
  fragile& operator=(fragile&&) = delete;
  int number;     // -1: moved from
  int* failures;  // how many more moves shall throw
};

TEST(ThrowingMove, IntoTheBufferReachesTheSender) {
  int fuse = 0;
  channel<fragile> c(2);
  fragile v(1, &fuse);
  fuse = 1;
  EXPECT_THROW(static_cast<void>(c.try_send(v)), move_failed);
  EXPECT_EQ(v.number, 1);
  EXPECT_EQ(c.size(), 0U);
  EXPECT_TRUE(c.try_send(v));
  EXPECT_EQ(v.number, -1);
  EXPECT_EQ(c.receive()->number, 1);
}

TEST(ThrowingMove, OutOfTheBufferReachesTheReceiverAndTheValueStays) {
  int fuse = 0;
  channel<fragile> c(2);
  fragile first(1, &fuse);
  fragile second(2, &fuse);
  EXPECT_TRUE(c.try_send(first));
  EXPECT_TRUE(c.try_send(second));
  fuse = 2;
  EXPECT_THROW(c.receive(), move_failed);
  EXPECT_THROW(c.try_receive(), move_failed);
  EXPECT_EQ(c.size(), 2U);
  EXPECT_EQ(c.receive()->number, 1);
  EXPECT_EQ(c.receive()->number, 2);
}

TEST(ThrowingMove, ToAWaitingReceiverReachesTheSenderAndTheReceiverWaitsOn) {
  under_seeds([](test_runtime& rt) {
    int fuse = 0;
    channel<fragile> c;
    auto receiver = rt.spawn("receiver", [&] { return c.receive()->number; });
    auto timed = rt.spawn("timed", [&] { return c.receive_for(1ms).has_value(); });
    rt.run_until_idle();
    fragile v(1, &fuse);
    fuse = 2;
    EXPECT_THROW(static_cast<void>(c.try_send(v)), move_failed);
    EXPECT_THROW(static_cast<void>(c.try_send(v)), move_failed);
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    rt.advance(2ms);
    EXPECT_FALSE(timed.join());
    EXPECT_TRUE(c.try_send(v));
    EXPECT_EQ(receiver.join(), 1);
  });
}

TEST(ThrowingMove, FromAWaitingSenderReachesTheReceiverAndTheSenderWaitsOn) {
  under_seeds([](test_runtime& rt) {
    int fuse = 0;
    channel<fragile> c;
    auto sender = rt.spawn("sender", [&] {
      fragile v(1, &fuse);
      while (!c.send_for(v, 1h)) {
      }
    });
    rt.run_until_idle();
    fuse = 1;
    EXPECT_THROW(c.receive(), move_failed);
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    EXPECT_EQ(c.receive()->number, 1);
    sender.join();
  });
}

// A receiver makes room, and moves the waiting sender's value there. That this fails is none of its business.
TEST(ThrowingMove, OnBehalfOfASenderIsTriedAgainByTheSender) {
  under_seeds([](test_runtime& rt) {
    for (const int failures : {1, 2}) {
      int calm = 0;
      int fuse = 0;
      channel<fragile> c(1);
      fragile first(1, &calm);
      EXPECT_TRUE(c.try_send(first));
      bool threw = false;
      auto fails = rt.spawn("fails", [&] {
        fragile v(2, &fuse);
        try {
          static_cast<void>(c.send_for(v, 1h));
        } catch (const move_failed&) {
          threw = true;
        }
      });
      rt.run_until_idle();
      auto behind = rt.spawn("behind", [&] {
        fragile v(3, &calm);
        EXPECT_TRUE(c.send_for(v, 1h));
      });
      rt.run_until_idle();
      fuse = failures;
      EXPECT_EQ(c.receive()->number, 1);  // and the one behind gets the place
      EXPECT_EQ(c.size(), 1U);
      EXPECT_EQ(c.receive()->number, 3);
      rt.run_until_idle();
      EXPECT_EQ(threw, failures == 2);
      EXPECT_EQ(c.size(), failures == 2 ? 0U : 1U);
      if (failures == 1) {
        EXPECT_EQ(c.receive()->number, 2);
      }
      fails.join();
      behind.join();
    }
  });
}

TEST(ThrowingMove, InASelectReachesTheOneThatActs) {
  under_seeds([](test_runtime& rt) {
    int fuse = 0;
    channel<fragile> a;
    channel<fragile> b;
    int got = 0;
    auto receiver = rt.spawn("receiver", [&] {
      const auto take = [&](const std::optional<fragile>& v) { got = v.value().number; };
      return weft::select(weft::on_receive(a, take), weft::on_receive(b, take));
    });
    rt.run_until_idle();
    fragile v(1, &fuse);
    fuse = 1;
    EXPECT_THROW(static_cast<void>(b.try_send(v)), move_failed);
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    EXPECT_TRUE(a.try_send(v));
    EXPECT_EQ(receiver.join(), 0U);
    EXPECT_EQ(got, 1);
  });
}

// Random failures on both sides: each value arrives once, in the order of its sender.
TEST(ThrowingMove, AtRandomLosesNothing) {
  static thread_local std::uint64_t state = 1;
  struct shaky {
    explicit shaky(int n) : number(n) {}
    shaky(shaky&& other) : number(other.number) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      if (number >= 0 && state >> 62 == 0) throw move_failed();
      other.number = -1;
    }
    int number;
  };
  everywhere([] {
    for (const std::size_t capacity : {0U, 1U, 3U}) {
      channel<shaky> c(capacity);
      weft::fiber<> senders[3];
      for (int s = 0; s < 3; ++s) {
        senders[s] = weft::spawn([&c, s] {
          for (int i = 0; i < 20; ++i) {
            shaky v(100 * s + i);
            while (v.number >= 0) {
              try {
                EXPECT_TRUE(c.send_for(v, 1h));
                EXPECT_EQ(v.number, -1);
              } catch (const move_failed&) {
                EXPECT_EQ(v.number, 100 * s + i);
              }
            }
          }
        });
      }
      int next[3] = {0, 0, 0};
      for (int n = 0; n < 60;) {
        try {
          // Not out of the optional: that move may throw, too, and is not the channel's.
          const std::optional<shaky> v = c.receive();
          ASSERT_TRUE(v.has_value());
          EXPECT_EQ(v->number % 100, next[v->number / 100]++);
          ++n;
        } catch (const move_failed&) {
        }
      }
      for (auto& s : senders) s.join();
      EXPECT_EQ(c.size(), 0U);
    }
  });
}

}  // namespace
