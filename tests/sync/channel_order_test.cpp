// Go's rules of happens-before for channels, a case for each: plain variables tell, and the thread sanitizer objects.
#include <atomic>   // counts
#include <cstddef>  // size_t
#include <utility>  // forward
#include <vector>   // fibers

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/channel.hpp>

#include "support/schedules.hpp"  // everywhere

namespace {

using namespace weft::testing;
using weft::this_fiber::yield;

// On another worker, where there is one.
template <class F>
auto elsewhere(F&& f) {
  return weft::spawn(weft::fiber_options{.spread = true}, std::forward<F>(f));
}

TEST(ChannelOrder, ASendHappensBeforeItsReceiveCompletes) {
  for (const std::size_t capacity : {0U, 1U, 3U}) {
    everywhere(
        [capacity] {
          weft::channel<int> c(capacity);
          int plain[5] = {};
          auto sender = elsewhere([&] {
            for (int i = 0; i < 5; ++i) {
              plain[i] = i + 1;
              c.send(i);
            }
          });
          for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(c.receive(), i);
            EXPECT_EQ(plain[i], i + 1);
          }
          sender.join();
        },
        300);
  }
}

TEST(ChannelOrder, AReceiveHappensBeforeTheRendezvousSendCompletes) {
  everywhere(
      [] {
        weft::channel<int> c;
        int plain = 0;
        auto receiver = elsewhere([&] {
          plain = 7;
          EXPECT_EQ(c.receive(), 1);
        });
        c.send(1);
        EXPECT_EQ(plain, 7);
        receiver.join();
      },
      1000);
}

TEST(ChannelOrder, TheKthReceiveHappensBeforeTheSendThatTakesItsPlaceCompletes) {
  everywhere(
      [] {
        constexpr int capacity = 2, values = 6;
        weft::channel<int> c(capacity);
        int plain[values] = {};
        auto receiver = elsewhere([&] {
          for (int k = 0; k < values; ++k) {
            plain[k] = k + 1;
            EXPECT_EQ(c.receive(), k);
          }
        });
        for (int k = 0; k < values; ++k) {
          c.send(k);
          if (k >= capacity) {
            EXPECT_EQ(plain[k - capacity], k - capacity + 1);
          }
        }
        receiver.join();
      },
      500);
}

TEST(ChannelOrder, ACloseHappensBeforeTheReceiveThatTellsOfIt) {
  for (const std::size_t capacity : {0U, 2U}) {
    everywhere(
        [capacity] {
          weft::channel<int> c(capacity);
          int plain = 0;
          auto closer = elsewhere([&] {
            if (c.capacity() != 0) c.send(1);
            plain = 7;
            c.close();
          });
          auto waits = elsewhere([&] {
            while (c.receive()) {
            }
            EXPECT_EQ(plain, 7);
          });
          while (c.receive()) {
          }
          EXPECT_EQ(plain, 7);
          closer.join();
          waits.join();
        },
        500);
  }
}

TEST(ChannelOrder, ACloseHappensBeforeTheSendThatItEnds) {
  everywhere(
      [] {
        weft::channel<int> c;
        int plain = 0;
        auto closer = elsewhere([&] {
          plain = 7;
          c.close();
        });
        EXPECT_THROW(c.send(1), weft::channel_closed);
        EXPECT_EQ(plain, 7);
        closer.join();
      },
      500);
}

TEST(ChannelOrder, EachValueGoesToExactlyOneReceiver) {
  for (const std::size_t capacity : {0U, 1U, 4U}) {
    everywhere(
        [capacity] {
          constexpr int senders = 3, receivers = 3, each = 8;
          weft::channel<int> c(capacity);
          std::atomic<int> seen[senders * each] = {};
          std::vector<weft::fiber<>> from, to;
          for (int s = 0; s < senders; ++s) {
            from.push_back(elsewhere([&, s] {
              for (int i = 0; i < each; ++i) c.send(s * each + i);
            }));
          }
          for (int r = 0; r < receivers; ++r) {
            to.push_back(elsewhere([&] {
              while (const auto value = c.receive()) ++seen[*value];
            }));
          }
          for (auto& f : from) f.join();
          c.close();
          for (auto& f : to) f.join();
          for (const auto& times : seen) EXPECT_EQ(times, 1);
        },
        300);
  }
}

}  // namespace
