// One worker, two fibers that hand a message back and forth for ever: everything else makes progress all the same.
#include <atomic>  // flags
#include <thread>  // what comes from outside

#include <gtest/gtest.h>

#include <weft/sync/channel.hpp>
#include <weft/sync/event.hpp>

#include "net/loopback.hpp"

namespace {

using namespace weft_test;

constexpr int rounds_each = 20;

// Keeps the worker busy with `pass`, which never lets the ready queue become empty, and expects a timer, a socket, wake-ups
// from another thread and fibers from another thread to come through.
template <class Pass>
void everything_goes_on_beside(Pass pass) {
  weft::runtime rt(workers(1));
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> passes{0};
  auto busy = rt.spawn([&] {
    pass([&] {
      ++passes;
      return !over;
    });
  });

  auto sleeper = rt.spawn([] {
    for (int i = 0; i < rounds_each; ++i) weft::this_fiber::sleep_for(1ms);
  });

  stream_pair p = connected_pair();
  auto echo = rt.spawn([&] {
    for (int i = 0; i < rounds_each; ++i) {
      std::uint64_t value = 0;
      p.server.read_exactly(writable_bytes_of(value));
      p.server.write_all(bytes_of(value));
    }
  });
  std::thread client([&] {
    for (std::uint64_t i = 0; i < rounds_each; ++i) {
      p.client.write_all(bytes_of(i));
      std::uint64_t back = 0;
      p.client.read_exactly(writable_bytes_of(back));
      EXPECT_EQ(back, i);
    }
  });

  weft::event asked, answered;
  auto listener = rt.spawn([&] {
    for (int i = 0; i < rounds_each; ++i) {
      asked.wait();
      asked.reset();
      answered.set();
    }
  });
  for (int i = 0; i < rounds_each; ++i) {
    asked.set();
    answered.wait();
    answered.reset();
    EXPECT_EQ(rt.spawn([i] { return i; }).join(), i);
  }

  client.join();
  echo.join();
  listener.join();
  sleeper.join();
  over = true;
  busy.join();
  EXPECT_GT(passes, 0U);
}

TEST(Starvation, BesideAPingPongOverEvents) {
  everything_goes_on_beside([](auto goes_on) {
    weft::event ping, pong;
    bool last = false;
    auto other = weft::spawn([&] {
      for (;;) {
        ping.wait();
        ping.reset();
        pong.set();
        if (last) return;
      }
    });
    for (bool more = true; more;) {
      more = goes_on();
      last = !more;
      ping.set();
      pong.wait();
      pong.reset();
    }
    other.join();
  });
}

TEST(Starvation, BesideAPingPongOverChannels) {
  everything_goes_on_beside([](auto goes_on) {
    weft::channel<int> there, back;
    auto other = weft::spawn([&] {
      for (int value : there) back.send(value);
    });
    for (int i = 0; goes_on(); ++i) {
      there.send(i);
      ASSERT_EQ(back.receive(), i);
    }
    there.close();
    other.join();
  });
}

TEST(Starvation, BesideAChannelThatIsAlwaysReady) {
  everything_goes_on_beside([](auto goes_on) {
    weft::channel<int> c(16);
    while (goes_on()) {
      c.send(1);
      ASSERT_TRUE(c.receive().has_value());
    }
  });
}

}  // namespace
