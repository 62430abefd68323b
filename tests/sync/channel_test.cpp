// The channel: what each operation promises, alone and against each way a wait can end. The names of many cases are rows of
// the table in docs/design/channel.md.
#include <array>      // large values
#include <chrono>     // durations
#include <cstdint>    // uintptr_t
#include <iterator>   // input_iterator
#include <limits>     // numeric_limits
#include <memory>     // unique_ptr, shared_ptr
#include <new>        // bad_alloc
#include <optional>   // optional
#include <stdexcept>  // length_error
#include <string>     // values with an allocation
#include <thread>     // plain threads
#include <vector>     // fibers, results

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/channel.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"      // run_in_child
#include "support/schedules.hpp"  // everywhere, under_seeds

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::channel;
using weft::this_fiber::yield;

constexpr std::size_t capacities[] = {0, 1, 2, 7};

static_assert(std::input_iterator<channel<std::unique_ptr<int>>::iterator>);
static_assert(sizeof(channel<int>) == 64);

TEST(Channel, ABufferedValueWaitsForItsReceiver) {
  everywhere([] {
    channel<int> c(3);
    EXPECT_EQ(c.capacity(), 3U);
    EXPECT_EQ(c.size(), 0U);
    c.send(1);
    c.send(2);
    EXPECT_EQ(c.size(), 2U);
    int three = 3;
    EXPECT_TRUE(c.try_send(three));
    int four = 4;
    EXPECT_FALSE(c.try_send(four));
    EXPECT_FALSE(c.send_for(four, 0s));
    EXPECT_EQ(c.receive(), 1);
    EXPECT_EQ(c.try_receive(), 2);
    EXPECT_EQ(c.receive_for(1h), 3);
    EXPECT_EQ(c.try_receive(), std::nullopt);
    EXPECT_EQ(c.receive_for(0s), std::nullopt);
    EXPECT_FALSE(c.closed());
  });
}

TEST(Channel, TheRingWrapsAround) {
  for (const std::size_t capacity : capacities) {
    if (capacity == 0) continue;
    channel<int> numbers(capacity);
    channel<std::string> texts(capacity);
    int sent = 0;
    int received = 0;
    for (std::size_t step = 1; received < 1000; step = step % capacity + 1) {
      for (std::size_t i = 0; i < step; ++i, ++sent) {
        numbers.send(sent);
        texts.send("a text that is too long for the object itself: " + std::to_string(sent));
      }
      for (; received < sent; ++received) {
        ASSERT_EQ(numbers.receive(), received);
        ASSERT_EQ(texts.receive(), "a text that is too long for the object itself: " + std::to_string(received));
      }
    }
  }
}

TEST(Channel, ValuesComeInTheOrderTheyWereSent) {
  everywhere([] {
    for (const std::size_t capacity : capacities) {
      channel<int> c(capacity);
      auto sender = weft::spawn([&] {
        for (int i = 0; i < 50; ++i) c.send(i);
        c.close();
      });
      int expected = 0;
      for (const int v : c) EXPECT_EQ(v, expected++);
      EXPECT_EQ(expected, 50);
      sender.join();
    }
  });
}

TEST(Channel, WaitersAreServedInTheOrderTheyCame) {
  under_seeds([](test_runtime& rt) {
    for (const std::size_t capacity : capacities) {
      channel<int> c(capacity);
      std::vector<weft::fiber<>> fibers;
      for (int i = 0; i < 20; ++i) {
        fibers.push_back(rt.spawn("sender", [&c, i] { c.send(i); }));
        rt.run_until_idle();
      }
      for (int i = 0; i < 20; ++i) EXPECT_EQ(c.try_receive(), i);
      std::array<int, 20> got{};
      for (int i = 0; i < 20; ++i) {
        fibers.push_back(rt.spawn("receiver", [&, i] { got[static_cast<std::size_t>(i)] = c.receive().value(); }));
        rt.run_until_idle();
      }
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(c.try_send(i));
      for (auto& f : fibers) f.join();
      for (int i = 0; i < 20; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
    }
  });
}

// A newcomer must not pass those who wait, though the woken ones have not run yet.
TEST(Channel, NewcomersDoNotOvertake) {
  under_seeds([](test_runtime& rt) {
    channel<int> c(1);
    c.send(0);
    auto waiting = rt.spawn("waiting", [&] { c.send(1); });
    rt.run_until_idle();
    EXPECT_EQ(c.try_receive(), 0);  // hands the place to the one that waits
    int two = 2;
    EXPECT_FALSE(c.try_send(two));
    EXPECT_EQ(c.try_receive(), 1);
    waiting.join();
  });
}

TEST(Channel, ARendezvousSendReturnsAfterTheReceiverTookIt) {
  everywhere([] {
    channel<int> c;
    std::array<int, 20> unprotected{};
    auto receiver = weft::spawn([&] {
      for (int i = 0; i < 20; ++i) {
        unprotected[static_cast<std::size_t>(i)] = i + 1;
        EXPECT_EQ(c.receive(), i);
      }
    });
    for (int i = 0; i < 20; ++i) {
      c.send(i);
      // Written before the receive, which happens before the send's return.
      EXPECT_EQ(unprotected[static_cast<std::size_t>(i)], i + 1);
      weft::this_fiber::yield();
    }
    receiver.join();
  });
}

TEST(Channel, ARendezvousHasNoRoom) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    int v = 1;
    EXPECT_FALSE(c.try_send(v));
    EXPECT_EQ(c.try_receive(), std::nullopt);
    auto sender = rt.spawn("sender", [&] { c.send(5); });
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 1U);
    EXPECT_EQ(c.size(), 0U);
    EXPECT_EQ(c.try_receive(), 5);
    sender.join();
    auto receiver = rt.spawn("receiver", [&] { return c.receive(); });
    rt.run_until_idle();
    v = 6;
    EXPECT_TRUE(c.try_send(v));
    EXPECT_FALSE(c.try_send(v));
    EXPECT_EQ(receiver.join(), 6);
  });
}

// Go's memory model: the k-th receive on a channel of capacity C comes before the completion of the (k+C)-th send.
TEST(Channel, ReceivesOfAFullBufferComeBeforeLaterSends) {
  everywhere([] {
    constexpr std::size_t capacity = 3;
    channel<int> semaphore(capacity);
    int inside = 0;  // of the single fiber that takes tokens out
    std::vector<int> unprotected(100);
    auto receiver = weft::spawn([&] {
      for (std::size_t k = 0; k < unprotected.size(); ++k) {
        unprotected[k] = 1;
        ++inside;
        semaphore.receive();
      }
    });
    for (std::size_t k = 0; k < unprotected.size(); ++k) {
      semaphore.send(0);
      if (k >= capacity) {
        EXPECT_EQ(unprotected[k - capacity], 1);
      }
    }
    receiver.join();
  });
}

TEST(Channel, AClosedOneGivesItsValuesFirst) {
  everywhere([] {
    channel<std::string> c(5);
    c.send("one");
    c.send("two");
    c.close();
    EXPECT_TRUE(c.closed());
    EXPECT_EQ(c.size(), 2U);
    EXPECT_EQ(c.receive(), "one");
    EXPECT_EQ(c.receive_for(1h), "two");
    EXPECT_EQ(c.receive(), std::nullopt);
    EXPECT_EQ(c.try_receive(), std::nullopt);
    EXPECT_EQ(c.receive_for(1h), std::nullopt);
    EXPECT_EQ(c.receive_until(std::chrono::system_clock::now() + 1h), std::nullopt);
  });
}

TEST(Channel, SendOnAClosedOneThrowsAndLeavesTheValue) {
  everywhere([] {
    for (const std::size_t capacity : capacities) {
      channel<std::unique_ptr<int>> c(capacity);
      c.close();
      auto v = std::make_unique<int>(1);
      EXPECT_THROW(static_cast<void>(c.try_send(v)), weft::channel_closed);
      EXPECT_THROW(static_cast<void>(c.send_for(v, 1h)), weft::channel_closed);
      EXPECT_THROW(static_cast<void>(c.send_until(v, std::chrono::steady_clock::now())), weft::channel_closed);
      ASSERT_NE(v, nullptr);
      EXPECT_THROW(c.send(std::move(v)), std::logic_error);
    }
  });
}

TEST(Channel, CloseMayBeRepeated) {
  everywhere([] {
    channel<int> c(1);
    c.send(1);
    c.close();
    c.close();
    EXPECT_EQ(c.receive(), 1);
    c.close();
    EXPECT_EQ(c.receive(), std::nullopt);
    EXPECT_TRUE(c.closed());
  });
}

TEST(Channel, CloseWakesAllReceivers) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    std::vector<weft::fiber<std::optional<int>>> receivers;
    for (int i = 0; i < 10; ++i)
      receivers.push_back(rt.spawn("receiver", [&, i] { return i % 2 == 0 ? c.receive() : c.receive_for(1h); }));
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 10U);
    c.close();
    for (auto& r : receivers) EXPECT_EQ(r.join(), std::nullopt);
  });
}

TEST(Channel, CloseWakesAllSendersWhoseValuesWereNotSent) {
  under_seeds([](test_runtime& rt) {
    channel<std::shared_ptr<int>> c(1);
    const auto value = std::make_shared<int>(1);
    c.send(value);
    std::vector<weft::fiber<>> senders;
    for (int i = 0; i < 6; ++i) {
      senders.push_back(rt.spawn("sender", [&, i] {
        auto mine = value;
        if (i % 2 == 0) {
          EXPECT_THROW(c.send(std::move(mine)), weft::channel_closed);
        } else {
          EXPECT_THROW(static_cast<void>(c.send_for(mine, 1h)), weft::channel_closed);
          EXPECT_EQ(mine, value);
        }
      }));
    }
    rt.run_until_idle();
    EXPECT_EQ(rt.parked_count(), 6U);
    c.close();
    for (auto& s : senders) s.join();
    EXPECT_EQ(value.use_count(), 2);  // this one, and the one in the buffer
    EXPECT_EQ(c.receive(), value);
    EXPECT_EQ(c.receive(), std::nullopt);
    EXPECT_EQ(value.use_count(), 1);
  });
}

TEST(Channel, ADestroyedOneDestroysItsValues) {
  const auto value = std::make_shared<int>(1);
  {
    channel<std::shared_ptr<int>> c(4);
    for (int i = 0; i < 4; ++i) c.send(value);
    c.receive();
    c.receive();
    c.send(value);  // in a wrapped slot
    EXPECT_EQ(value.use_count(), 4);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Channel, ATimedOutReceiveHasNotTaken) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    auto late = rt.spawn("late", [&] { return c.receive_for(5ms); });
    auto patient = rt.spawn("patient", [&] { return c.receive_for(1h); });
    rt.run_until_idle();
    rt.advance(4ms);
    EXPECT_EQ(rt.parked_count(), 2U);  // never early
    rt.advance(1ms);
    EXPECT_EQ(late.join(), std::nullopt);
    int v = 7;
    EXPECT_TRUE(c.try_send(v));  // to the patient one
    EXPECT_EQ(patient.join(), 7);
    EXPECT_FALSE(c.try_send(v));
  });
}

TEST(Channel, ATimedOutSendHasNotSent) {
  under_seeds([](test_runtime& rt) {
    for (const std::size_t capacity : capacities) {
      channel<std::unique_ptr<int>> c(capacity);
      for (std::size_t i = 0; i < capacity; ++i) c.send(nullptr);
      auto late = rt.spawn("late", [&] {
        auto v = std::make_unique<int>(1);
        EXPECT_FALSE(c.send_for(v, 5ms));
        EXPECT_NE(v, nullptr);
      });
      auto patient = rt.spawn("patient", [&] {
        auto v = std::make_unique<int>(2);
        EXPECT_TRUE(c.send_until(v, rt.now() + 1h));
        EXPECT_EQ(v, nullptr);
      });
      rt.run_until_idle();
      rt.advance(5ms);
      late.join();
      EXPECT_EQ(rt.parked_count(), 1U);
      for (std::size_t i = 0; i < capacity; ++i) EXPECT_EQ(c.receive(), nullptr);
      EXPECT_EQ(**c.receive(), 2);
      patient.join();
    }
  });
}

TEST(Channel, AStoppedReceiveHasNotTakenAndAStoppedSendHasNotSent) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    auto stopped = rt.spawn("stopped", [&] { c.receive(); });
    auto patient = rt.spawn("patient", [&] { return c.receive(); });
    rt.run_until_idle();
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    int v = 3;
    EXPECT_TRUE(c.try_send(v));
    EXPECT_EQ(patient.join(), 3);

    auto stopped_sender = rt.spawn("stopped", [&] { c.send(1); });
    auto patient_sender = rt.spawn("patient", [&] { c.send(2); });
    rt.run_until_idle();
    stopped_sender.request_stop();
    EXPECT_THROW(stopped_sender.join(), weft::cancelled);
    EXPECT_EQ(c.receive(), 2);
    EXPECT_EQ(c.try_receive(), std::nullopt);
    patient_sender.join();
  });
}

// The value was handed over before the stop came: the operation is done, and the next point throws.
TEST(Channel, AStopAfterTheHandOverComesTooLate) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    std::optional<int> got;
    auto last = rt.spawn("receiver", [&] {
      got = c.receive();
      c.receive();
    });
    rt.run_until_idle();
    int v = 4;
    EXPECT_TRUE(c.try_send(v));
    last.request_stop();
    EXPECT_THROW(last.join(), weft::cancelled);
    EXPECT_EQ(got, 4);

    bool sent = false;
    auto last_sender = rt.spawn("sender", [&] {
      c.send(7);
      sent = true;
      c.send(8);
    });
    rt.run_until_idle();
    EXPECT_EQ(c.try_receive(), 7);
    last_sender.request_stop();
    EXPECT_THROW(last_sender.join(), weft::cancelled);
    EXPECT_TRUE(sent);
    EXPECT_EQ(c.try_receive(), std::nullopt);
  });
}

TEST(Channel, AStoppedFiberStillDoesWhatNeedsNoWait) {
  everywhere([] {
    channel<int> c(2);
    weft::event go;
    auto f = weft::spawn([&] {
      {
        const weft::cancel_shield shield;
        go.wait();
      }
      c.send(1);
      EXPECT_EQ(c.receive(), 1);
      EXPECT_EQ(c.try_receive(), std::nullopt);
      c.receive();
    });
    f.request_stop();
    go.set();
    EXPECT_THROW(f.join(), weft::cancelled);
  });
}

TEST(Channel, AShieldKeepsTheWaitGoing) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    auto f = rt.spawn("shielded", [&] {
      const weft::cancel_shield shield;
      EXPECT_EQ(c.receive_for(1ms), std::nullopt);
      return c.receive();
    });
    rt.run_until_idle();
    f.request_stop();
    rt.advance(2ms);
    EXPECT_EQ(rt.parked_count(), 1U);
    c.send(8);
    EXPECT_EQ(f.join(), 8);
  });
}

TEST(Channel, SendAndReceiveAtTheDeadlineAgree) {
  under_seeds([](test_runtime& rt) {
    channel<int> c;
    auto receiver = rt.spawn("receiver", [&] { return c.receive_for(1ms).has_value(); });
    auto sender = rt.spawn("sender", [&] {
      int v = 1;
      return c.send_for(v, 1ms);
    });
    auto delayed = rt.spawn("delayed", [&] {
      weft::this_fiber::sleep_for(1ms);
      int v = 2;
      return c.try_send(v);
    });
    rt.advance(2ms);
    const int sent = sender.join() + delayed.join();
    EXPECT_EQ(receiver.join(), sent == 1);
    EXPECT_LE(sent, 1);
  });
}

TEST(Channel, ADeadlineOfTheSystemClockIsWaitedFor) {
  weft::run({.workers = 1}, [] {
    channel<int> c;
    const auto until = std::chrono::system_clock::now() + 2ms;
    int v = 1;
    EXPECT_FALSE(c.send_until(v, until));
    EXPECT_EQ(c.receive_until(until), std::nullopt);
    EXPECT_GE(std::chrono::system_clock::now(), until);
  });
}

TEST(Channel, WorksBetweenPlainThreads) {
  for (const std::size_t capacity : capacities) {
    channel<std::size_t> c(capacity);
    const std::size_t n = stress_count(2000);
    std::thread sender([&] {
      for (std::size_t i = 0; i < n; ++i) c.send(i);
      c.close();
    });
    std::size_t expected = 0;
    for (const std::size_t v : c) EXPECT_EQ(v, expected++);
    EXPECT_EQ(expected, n);
    sender.join();
  }
}

TEST(Channel, CarriesLargeAndOverAlignedValues) {
  struct alignas(256) aligned {
    explicit aligned(int n) : number(n), self(this) {}
    aligned(aligned&& other) noexcept : number(other.number), self(this) { other.number = -1; }
    int number;
    aligned* self;
    std::array<char, 1000> ballast{};
  };
  everywhere([] {
    for (const std::size_t capacity : capacities) {
      channel<aligned> c(capacity);
      auto sender = weft::spawn([&] {
        for (int i = 0; i < 10; ++i) c.send(aligned(i));
        c.close();
      });
      int expected = 0;
      for (const aligned& v : c) {
        EXPECT_EQ(v.number, expected++);
        EXPECT_EQ(v.self, &v);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&v) % alignof(aligned), 0U);
      }
      EXPECT_EQ(expected, 10);
      sender.join();
    }
  });
}

TEST(Channel, AChannelMayCarryChannelsAndOptionals) {
  everywhere([] {
    using replies = channel<std::optional<int>>;
    channel<std::shared_ptr<replies>> requests;
    auto server = weft::spawn([&] {
      for (auto& reply : requests) reply->send(std::nullopt);
    });
    const auto mine = std::make_shared<replies>();
    requests.send(mine);
    const auto answer = mine->receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(*answer, std::nullopt);
    requests.close();
    server.join();
  });
}

TEST(Channel, AnImpossibleCapacityIsAnError) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(channel<int> c(most), std::length_error);
  using large = std::array<char, 1 << 20>;
  EXPECT_THROW(channel<large> c(most >> 6), std::length_error);
}

TEST(Channel, ALoopOverABufferLetsOthersRun) {
  weft::run({.workers = 1}, [] {
    channel<int> c(1);
    bool others_ran = false;
    auto other = weft::spawn([&] { others_ran = true; });
    for (int i = 0; i < 10'000 && !others_ran; ++i) {
      c.send(i);
      EXPECT_EQ(c.receive(), i);
    }
    EXPECT_TRUE(others_ran);
    other.join();
  });
}

TEST(Channel, APollingLoopLetsTheOtherSideRun) {
  weft::run({.workers = 1}, [] {
    channel<std::unique_ptr<int>> c;
    auto partner = weft::spawn([&] {
      c.receive();
      c.receive();
      c.send(nullptr);
      c.send(nullptr);
    });
    auto v = std::make_unique<int>(1);
    while (!c.try_send(v)) {
    }
    v = std::make_unique<int>(2);
    while (!c.send_for(v, 0s)) {
    }
    while (!c.try_receive()) {
    }
    while (!c.receive_for(0s)) {
    }
    partner.join();
  });
}

TEST(Channel, DestroyingItUnderAWaiterIsReported) {
  const child_result result = run_in_child([] {
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    auto* c = new channel<int>;
    auto f = rt.spawn("waiter", [c] { c->receive(); });
    rt.run_until_idle();
    delete c;
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("channel is destroyed while somebody waits"), std::string::npos) << result.errors;
}

TEST(Channel, AMoveThatSuspendsIsReported) {
  struct sleepy {
    sleepy() = default;
    sleepy(sleepy&& other) noexcept {
      if (other.asleep) yield();
    }
    bool asleep = false;
  };
  const child_result result = run_in_child([] {
    test_runtime rt(1);
    rt.spawn("sender", [] {
        channel<sleepy> c(1);
        sleepy value;
        value.asleep = true;
        static_cast<void>(c.try_send(value));
      }).join();
  });
  EXPECT_TRUE(result.killed_by(SIGABRT));
  EXPECT_NE(result.errors.find("suspension in the move of a channel's value"), std::string::npos) << result.errors;
}

}  // namespace
