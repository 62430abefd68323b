// Stops: every wait for the network ends with weft::cancelled, from both overloads, and leaves the socket usable.
#include <gtest/gtest.h>
#include <weft/net/wait.hpp>

#include <sys/eventfd.h>  // eventfd
#include <unistd.h>       // close

#include "net/loopback.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

class Stop : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Stop, testing::Values(1U, 2U));

TEST_P(Stop, EndsAReadAndTheStreamGoesOn) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    std::byte one{};
    std::error_code error;
    expect_cancelled([&] { p.client.read_some({&one, 1}); });
    expect_cancelled([&] { p.client.read_some({&one, 1}, error); });
    expect_cancelled([&] { p.client.read_exactly({&one, 1}); });
    p.client.set_timeout(10s);
    expect_cancelled([&] { p.client.read_exactly({&one, 1}, error); });
    const std::byte sent{7};
    p.server.write_all({&sent, 1});
    p.client.read_exactly({&one, 1});
    EXPECT_EQ(one, sent);
  });
}

TEST_P(Stop, EndsAWrite) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    const std::vector<std::byte> much(64 << 20);
    std::error_code error;
    expect_cancelled([&] { p.client.write_all(much); });
    expect_cancelled([&] { p.client.write_all(much, error); });
  });
}

TEST_P(Stop, EndsAnAcceptAndTheNextConnectionGoesToAnother) {
  weft::run(workers(GetParam()), [] {
    auto listener = listen_anywhere();
    std::error_code error;
    expect_cancelled([&] { listener.accept(); });
    expect_cancelled([&] { listener.accept(error); });
    auto doomed = weft::spawn([&] { listener.accept(); });
    auto heir = weft::spawn([&] { return listener.accept(); });
    let_others_run();
    auto client = tcp_stream::connect(listener.local_endpoint());
    doomed.request_stop();
    // Whoever got the connection: if the stopped one did, it ended well before its stop.
    try {
      doomed.join();
      auto second = tcp_stream::connect(listener.local_endpoint());
      EXPECT_TRUE(heir.join().is_open());
    } catch (const weft::cancelled&) {
      EXPECT_TRUE(heir.join().is_open());
    }
  });
}

TEST_P(Stop, EndsAConnect) {
  weft::run(workers(GetParam()), [] {
    auto full = tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"), {.backlog = 0});
    std::vector<tcp_stream> held;
    std::error_code error;
    for (int i = 0; i < 8 && !error; ++i) {
      held.push_back(tcp_stream::connect_for(full.local_endpoint(), 50ms, error));
    }
    ASSERT_EQ(error, std::errc::timed_out);
    expect_cancelled([&] { tcp_stream::connect(full.local_endpoint()); });
    expect_cancelled([&] { tcp_stream::connect(full.local_endpoint(), error); });
  });
}

TEST_P(Stop, EndsAWaitForADescriptor) {
  weft::run(workers(GetParam()), [] {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    std::error_code error;
    expect_cancelled([&] { weft::net::wait_readable(fd); });
    expect_cancelled([&] { weft::net::wait_readable(fd, error); });
    expect_cancelled([&] { EXPECT_FALSE(weft::net::wait_readable_for(fd, 10s)); });
    EXPECT_EQ(::close(fd), 0);
  });
}

TEST_P(Stop, EndsALoopOverASocketThatIsAlwaysReady) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    auto busy = weft::spawn([&] {
      std::byte one{};
      for (;;) {
        p.server.write_all({&one, 1});
        p.client.read_exactly({&one, 1});
      }
    });
    let_others_run();
    busy.request_stop();
    EXPECT_THROW(busy.join(), weft::cancelled);
  });
}

TEST_P(Stop, IsHeldBackByAShield) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    auto reader = weft::spawn([&] {
      const weft::cancel_shield shield;
      std::uint64_t value = 0;
      p.client.read_exactly(writable_bytes_of(value));
      return value;
    });
    let_others_run();
    reader.request_stop();
    let_others_run();
    p.server.write_all(bytes_of(std::uint64_t{11}));
    EXPECT_EQ(reader.join(), 11U);
  });
}

TEST_P(Stop, RacingWithDataLosesNoByte) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    for (int i = 0; i < rounds(2000, 200); ++i) {
      std::uint64_t got = ~std::uint64_t{0};
      auto reader = weft::spawn([&] { p.client.read_some(writable_bytes_of(got)); });
      weft::this_fiber::yield();
      const std::uint64_t sent = static_cast<std::uint64_t>(i);
      p.server.write_all(bytes_of(sent));
      reader.request_stop();
      try {
        reader.join();
      } catch (const weft::cancelled&) {
        p.client.read_exactly(writable_bytes_of(got));  // not taken by the cancelled one: still in the socket
      }
      ASSERT_EQ(got, sent);
    }
  });
}

TEST_P(Stop, OfTheWholeRuntimeEndsAllWaits) {
  weft::detail::atomic<int> unwound{0};
  {
    weft::runtime rt(workers(GetParam()));
    rt.run([&] {
      for (int i = 0; i < 50; ++i) {
        weft::spawn([&] {
          struct count {
            weft::detail::atomic<int>& n;
            ~count() { ++n; }
          } on_exit{unwound};
          auto listener = listen_anywhere();
          listener.accept();
        }).detach();
      }
      let_others_run(200);
    });
  }
  EXPECT_EQ(unwound.load(), 50);
}

}  // namespace
