// Select: one case, the right one, chosen fairly, and no trace in the others. The names of many cases are rows of the table in
// docs/design/channel.md.
#include <array>     // counts
#include <chrono>    // durations
#include <memory>    // unique_ptr, shared_ptr
#include <optional>  // optional
#include <thread>    // plain threads
#include <vector>    // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/channel.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/select.hpp>

#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::channel;
using weft::on_receive;
using weft::on_send;
using weft::on_timeout;
using weft::otherwise;
using weft::select;

constexpr auto nothing = [] {};
constexpr auto ignore = [](auto&&) {};

TEST(Select, DoesTheReadyCaseAndTellsItsPosition) {
  everywhere([] {
    channel<int> empty;
    channel<int> full(1);
    channel<std::unique_ptr<int>> room(1);
    full.send(5);
    int got = 0;
    EXPECT_EQ(select(on_receive(empty, ignore), on_send(empty, 1, nothing),
                     on_receive(full, [&](std::optional<int> v) { got = v.value(); }), on_timeout(1h, nothing)),
              2U);
    EXPECT_EQ(got, 5);
    bool sent = false;
    EXPECT_EQ(select(on_receive(full, ignore), on_send(room, std::make_unique<int>(6), [&] { sent = true; })), 1U);
    EXPECT_TRUE(sent);
    EXPECT_EQ(*room.receive().value(), 6);
  });
}

TEST(Select, WaitsUntilACaseIsReady) {
  under_seeds([](test_runtime& rt) {
    channel<int> a;
    channel<int> b;
    channel<int> c;
    int got = 0;
    const auto one_of_three = [&] {
      return select(on_receive(a, [&](std::optional<int> v) { got = v.value(); }), on_send(b, 7, nothing),
                    on_receive(c, [&](std::optional<int> v) { got = v.value(); }));
    };
    auto f = rt.spawn("select", one_of_three);
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    int v = 3;
    EXPECT_TRUE(c.try_send(v));
    EXPECT_EQ(f.join(), 2U);
    EXPECT_EQ(got, 3);
    EXPECT_FALSE(a.try_send(v));  // it has left the other queues
    EXPECT_EQ(b.try_receive(), std::nullopt);
    EXPECT_FALSE(c.try_send(v));

    f = rt.spawn("select", one_of_three);
    rt.run_until_idle();
    EXPECT_EQ(b.try_receive(), 7);
    EXPECT_EQ(f.join(), 1U);
    EXPECT_FALSE(a.try_send(v));
  });
}

TEST(Select, OtherwiseRunsWhenNothingIsReady) {
  everywhere([] {
    channel<int> c(1);
    int v = 0;
    EXPECT_EQ(select(on_receive(c, ignore), otherwise([&] { v = 1; })), 1U);
    EXPECT_EQ(v, 1);
    c.send(2);
    EXPECT_EQ(select(otherwise(nothing), on_send(c, 1, nothing)), 0U);
    EXPECT_EQ(select(otherwise(nothing), on_receive(c, ignore), on_timeout(0s, nothing)), 1U);
    EXPECT_EQ(select(otherwise(nothing), on_timeout(-1s, nothing)), 0U);
    EXPECT_EQ(select(otherwise(nothing)), 0U);
  });
}

TEST(Select, TheEarliestTimeoutRuns) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    const auto start = rt.now();
    auto f = rt.spawn("select", [&] {
      return select(on_timeout(5ms, nothing), on_receive(c, ignore), on_timeout(2ms, nothing),
                    on_timeout(start + 3ms, nothing));
    });
    rt.advance(1ms);
    EXPECT_EQ(rt.parked_count(), 1U);
    EXPECT_EQ(f.join(), 2U);
    EXPECT_EQ(rt.now(), start + 2ms);
    int v = 1;
    EXPECT_FALSE(c.try_send(v));
    EXPECT_EQ(rt.spawn("poll", [&] { return select(on_receive(c, ignore), on_timeout(0s, nothing)); }).join(), 1U);
  });
}

TEST(Select, AReadyCaseComesBeforeAPastTimeout) {
  everywhere([] {
    channel<int> c(1);
    c.send(1);
    EXPECT_EQ(select(on_timeout(0s, nothing), on_receive(c, ignore)), 1U);
  });
}

TEST(Select, AClosedAndDrainedChannelIsReady) {
  everywhere([] {
    channel<int> c(1);
    channel<int> never;
    c.send(4);
    c.close();
    std::optional<int> got;
    const auto take = [&](std::optional<int> v) { got = v; };
    EXPECT_EQ(select(on_receive(never, ignore), on_receive(c, take)), 1U);
    EXPECT_EQ(got, 4);
    EXPECT_EQ(select(on_receive(never, ignore), on_receive(c, take)), 1U);
    EXPECT_EQ(got, std::nullopt);
  });
}

TEST(Select, ASendToAClosedChannelIsReadyAndThrows) {
  everywhere([] {
    channel<int> closed;
    channel<int> never;
    closed.close();
    bool ran = false;
    EXPECT_THROW(select(on_receive(never, ignore), on_send(closed, 1, [&] { ran = true; })), weft::channel_closed);
    EXPECT_THROW(select(on_send(closed, 1, nothing), otherwise(nothing)), weft::channel_closed);
    EXPECT_FALSE(ran);
  });
}

TEST(Select, CloseWakesIt) {
  under_seeds([](test_runtime& rt) {
    channel<int> in;
    channel<int> out;
    bool nullopt = false;
    auto f = rt.spawn("select", [&] {
      select(on_receive(in, [&](std::optional<int> v) { nullopt = !v; }), on_send(out, 1, nothing));
    });
    auto g = rt.spawn("select", [&] { select(on_send(out, 1, nothing), on_timeout(1h, nothing)); });
    rt.run_until_idle();
    in.close();
    f.join();
    EXPECT_TRUE(nullopt);
    out.close();
    EXPECT_THROW(g.join(), weft::channel_closed);
  });
}

TEST(Select, AnUnchosenValueIsDestroyedWithItsCase) {
  everywhere([] {
    const auto value = std::make_shared<int>(1);
    channel<std::shared_ptr<int>> never;
    channel<std::shared_ptr<int>> room(1);
    select(on_send(never, value, nothing), on_send(room, value, [&] { EXPECT_EQ(value.use_count(), 3); }));
    EXPECT_EQ(value.use_count(), 2);
    auto kept = on_send(never, value, nothing);
    select(kept, otherwise(nothing));
    EXPECT_EQ(value.use_count(), 3);  // it is still in its case
    EXPECT_EQ(room.receive(), value);
  });
}

TEST(Select, AStopEndsItAndLeavesNoTrace) {
  under_seeds([](test_runtime& rt) {
    channel<int> a;
    channel<int> b;
    auto f =
        rt.spawn("select", [&] { select(on_receive(a, ignore), on_send(b, 1, nothing), on_timeout(1h, nothing)); });
    auto without_cases = rt.spawn("empty", [] { select(); });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 2U);
    rt.advance(1min);
    f.request_stop();
    without_cases.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
    EXPECT_THROW(without_cases.join(), weft::cancelled);
    int v = 0;
    EXPECT_FALSE(a.try_send(v));
    EXPECT_EQ(b.try_receive(), std::nullopt);
  });
}

TEST(Select, AStoppedFiberStillDoesWhatNeedsNoWait) {
  everywhere([] {
    channel<int> c(1);
    auto f = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        while (!weft::this_fiber::get_stop_token().stop_requested()) weft::this_fiber::yield();
      }
      EXPECT_EQ(select(on_send(c, 1, nothing)), 0U);
      EXPECT_EQ(select(on_send(c, 1, nothing), otherwise(nothing)), 1U);
      select(on_send(c, 1, nothing));
    });
    f.request_stop();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Select, FunctionsRunOutsideAllLocks) {
  everywhere([] {
    channel<int> c(2);
    c.send(1);
    select(on_receive(c, [&](std::optional<int> v) {
      c.send(*v);  // would deadlock
      EXPECT_EQ(select(on_receive(c, ignore), otherwise(nothing)), 0U);
      weft::this_fiber::yield();
    }));
    struct mine {};
    EXPECT_THROW(select(on_send(c, 1, [] { throw mine(); })), mine);
    EXPECT_EQ(c.size(), 1U);  // it was sent all the same
  });
}

TEST(Select, TheSameChannelTwiceIsOneOfThem) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    std::array<int, 2> got{};
    const auto twice = [&] {
      return select(on_receive(c, [&](std::optional<int> v) { got[0] = v.value(); }),
                    on_receive(c, [&](std::optional<int> v) { got[1] = v.value(); }));
    };
    for (int i = 1; i < 10; ++i) {
      got = {};
      auto f = rt.spawn("select", twice);
      rt.run_until_idle();
      int v = i;
      EXPECT_TRUE(c.try_send(v));
      v = i;
      EXPECT_FALSE(c.try_send(v));  // both places have gone
      EXPECT_LT(f.join(), 2U);
      EXPECT_EQ(got[0] + got[1], i);
    }
  });
}

TEST(Select, DoesNotMatchItself) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    const auto both = [&] { return select(on_send(c, 1, nothing), on_receive(c, ignore)); };
    auto f = rt.spawn("both", both);
    rt.run_until_idle();
    ASSERT_EQ(rt.parked_count(), 1U);
    rt.advance(1s);
    ASSERT_EQ(rt.parked_count(), 1U);
    auto g = rt.spawn("both", both);  // and these two match one another
    EXPECT_EQ(f.join() + g.join(), 1U);
  });
}

// Go's selfselect: many that send and receive on one channel, each in one select.
TEST(Select, ManySendingAndReceivingOnOneChannelAllMatch) {
  everywhere([] {
    for (const std::size_t capacity : {0U, 10U}) {
      channel<int> c(capacity);
      std::vector<weft::fiber<std::array<int, 2>>> fibers;
      for (int p = 0; p < 2; ++p) {
        fibers.push_back(weft::spawn([&, p] {
          std::array<int, 2> done{};
          for (int i = 0; i < 100; ++i) {
            const auto take = [&](std::optional<int> v) {
              if (capacity == 0) {
                EXPECT_NE(v, p);
              }
            };
            if (p == 0) {
              ++done[select(on_send(c, p, nothing), on_receive(c, take))];
            } else {
              ++done[1 - select(on_receive(c, take), on_send(c, p, nothing))];
            }
          }
          return done;
        }));
      }
      const auto a = fibers[0].join();
      const auto b = fibers[1].join();
      EXPECT_EQ(static_cast<std::size_t>(a[0] + b[0]), static_cast<std::size_t>(a[1] + b[1]) + c.size());
    }
  });
}

// Senders that select and receivers that select meet at any of three channels; each commits once.
TEST(Select, TwoSelectsThatMatchCommitBoth) {
  everywhere([] {
    channel<int> a, b, c;
    constexpr int each = 60;
    std::vector<weft::fiber<>> fibers;
    for (int s = 0; s < 4; ++s) {
      fibers.push_back(weft::spawn([&, s] {
        for (int i = 0; i < each; ++i) {
          const int v = s * each + i;
          if (s % 2 == 0) {
            select(on_send(a, v, nothing), on_send(b, v, nothing), on_send(c, v, nothing));
          } else {
            select(on_send(c, v, nothing), on_send(a, v, nothing));
          }
        }
      }));
    }
    std::vector<weft::fiber<std::vector<int>>> receivers;
    for (int r = 0; r < 4; ++r) {
      receivers.push_back(weft::spawn([&, r] {
        std::vector<int> got;
        const auto take = [&](std::optional<int> v) { got.push_back(v.value()); };
        for (int i = 0; i < each; ++i) {
          if (r % 2 == 0) {
            select(on_receive(c, take), on_receive(b, take), on_receive(a, take));
          } else {
            select(on_receive(a, take), on_receive(c, take));
          }
        }
        return got;
      }));
    }
    for (auto& f : fibers) f.join();
    std::array<int, 4 * each> times{};
    for (auto& r : receivers) {
      for (const int v : r.join()) ++times[static_cast<std::size_t>(v)];
    }
    for (const int n : times) EXPECT_EQ(n, 1);
  });
}

// Each ready case is as likely as the others. 6 standard deviations: once in 10^9 runs by chance, and seeds do not change.
TEST(Select, PicksUniformlyAmongTheReady) {
  const auto check = [](auto run_it) {
    constexpr int rounds = 4000;
    std::array<int, 5> times{};
    run_it([&] {
      channel<int> a(1), b(1), c(1), never;
      a.send(1);
      b.send(1);
      for (int i = 0; i < rounds; ++i) {
        const std::size_t at = select(on_receive(a, ignore), on_receive(never, ignore), on_send(c, 1, nothing),
                                      on_send(never, 1, nothing), on_receive(b, ignore));
        ++times[at];
        if (at == 2) {
          c.receive();
        } else {
          (at == 0 ? a : b).send(1);
        }
      }
    });
    EXPECT_EQ(times[1] + times[3], 0);
    for (const std::size_t at : {0U, 2U, 4U})
      EXPECT_NEAR(times[at], rounds / 3.0, 6 * 29.8);  // sqrt(rounds * 1/3 * 2/3)
  };
  check([](auto body) { weft::run({.workers = 1}, body); });
  check([](auto body) { std::thread(body).join(); });
  check([](auto body) {
    test_runtime rt(1);
    rt.run(body);
  });
  check([](auto body) {
    test_runtime rt(1);  // on the test's own thread
    body();
  });
}

TEST(Select, TheSameSeedMakesTheSameChoices) {
  const auto record = [](std::uint64_t seed) {
    test_runtime rt(seed);
    std::vector<std::size_t> chosen;
    channel<int> a(1), b(1);
    a.send(1);
    b.send(1);
    const auto choose = [&] {
      for (int i = 0; i < 50; ++i) {
        chosen.push_back(select(on_receive(a, ignore), on_receive(b, ignore)));
        (chosen.back() == 0 ? a : b).send(1);
      }
    };
    choose();
    rt.run(choose);
    return chosen;
  };
  EXPECT_EQ(record(5), record(5));
  EXPECT_NE(record(5), record(6));
}

// Go's fairness test: two senders that are always ready; neither is starved.
TEST(Select, NoCaseIsStarved) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      channel<int> a, b;
      weft::event done;
      const auto keep_sending = [&](channel<int>& c) {
        int v = 0;
        while (!done.is_set()) static_cast<void>(c.send_for(v, 1ms));
      };
      auto fa = weft::spawn([&] { keep_sending(a); });
      auto fb = weft::spawn([&] { keep_sending(b); });
      std::array<int, 2> times{};
      while (times[0] < 200 || times[1] < 200) {
        ++times[select(on_receive(a, ignore), on_receive(b, ignore))];
      }
      done.set();
    });
  });
}

TEST(Select, WorksOnPlainThreads) {
  channel<int> a, b, deserted;
  const std::size_t n = stress_count(1000);
  std::thread sender([&] {
    for (std::size_t i = 0; i < n; ++i) select(on_send(a, 1, nothing), on_send(b, 2, nothing));
    a.close();
    EXPECT_EQ(select(on_send(deserted, 3, nothing), on_timeout(1ms, nothing)), 1U);
  });
  std::size_t got = 0;
  for (bool open = true; open;) {
    const auto take = [&](std::optional<int> v) {
      got += v.has_value();
      open = v.has_value();
    };
    select(on_receive(a, take), on_receive(b, take));
  }
  EXPECT_EQ(got, n);
  sender.join();
}

// An otherwise sees all channels in one moment (Go's nonblocking select race): before close(b) there is a value in a.
TEST(Select, OtherwiseSeesAllChannelsAtOneInstant) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] {
      for (std::size_t i = 0; i < stress_count(2000); ++i) {
        channel<int> a(1), b(1);
        a.send(1);
        auto f = weft::spawn({.spread = true},
                             [&] { return select(on_receive(a, ignore), on_receive(b, ignore), otherwise(nothing)); });
        b.send(1);
        static_cast<void>(a.try_receive());
        EXPECT_NE(f.join(), 2U);
      }
    });
  });
}

}  // namespace
