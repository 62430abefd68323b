// TCP between fibers: data arrive whole and in order, ends and errors are told.
#include <algorithm>  // equal, min
#include <cstdlib>    // mkdtemp
#include <string>     // string

#include <sys/socket.h>  // socketpair, AF_VSOCK
#include <sys/un.h>      // sockaddr_un
#include <unistd.h>      // pipe, unlink, rmdir

#include <gtest/gtest.h>
#include <weft/net/error.hpp>

#include "net/loopback.hpp"

namespace {

using namespace weft_test;
using weft::net::endpoint;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

class Tcp : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Tcp, testing::Values(1U, 2U, 4U));

void echo_until_end(tcp_stream s) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t n = s.read_some(buffer)) {
    s.write_all(std::span(buffer).first(n));
  }
}

TEST_P(Tcp, ManyConnectionsEchoTheirOwnBytes) {
  const int connections = rounds(500, 60);
  in_fiber([&] {
    auto listener = listen_anywhere();
    const endpoint at = listener.local_endpoint();
    auto server = weft::spawn([&] {
      std::vector<weft::fiber<>> sessions;
      for (int i = 0; i < connections; ++i) {
        sessions.push_back(weft::spawn({.name = "session", .spread = true}, echo_until_end, listener.accept()));
      }
      for (auto& s : sessions) {
        s.join();
      }
    });
    std::vector<weft::fiber<int>> clients;
    for (int i = 0; i < connections; ++i) {
      clients.push_back(weft::spawn([at, i] {
        tcp_stream s = tcp_stream::connect(at);
        int good = 0;
        for (int message = 0; message < 5; ++message) {
          const auto sent = patterned(static_cast<std::uint64_t>(i * 5 + message), 64 + static_cast<std::size_t>(i));
          std::vector<std::byte> got(sent.size());
          s.write_all(sent);
          s.read_exactly(got);
          good += got == sent ? 1 : 0;
        }
        return good;
      }));
    }
    for (auto& c : clients) {
      EXPECT_EQ(c.join(), 5);
    }
    server.join();
  });
}

TEST_P(Tcp, SixteenMebibytesEachWayAtOnceArriveWhole) {
  const std::size_t size = static_cast<std::size_t>(rounds(16, 4)) << 20;
  in_fiber([&] {
    stream_pair p = connected_pair();
    auto send = [&](tcp_stream& s, std::uint64_t key) {
      s.write_all(patterned(key, size));
      s.shutdown_write();
    };
    auto receive = [&](tcp_stream& s, std::uint64_t key) {
      std::vector<std::byte> got(size);
      s.read_exactly(got);
      std::byte more;
      EXPECT_EQ(s.read_some({&more, 1}), 0U);
      EXPECT_EQ(got, patterned(key, size));
    };
    auto a = weft::spawn([&] { send(p.client, 1); });
    auto b = weft::spawn([&] { send(p.server, 2); });
    auto c = weft::spawn([&] { receive(p.server, 1); });
    auto d = weft::spawn([&] { receive(p.client, 2); });
    a.join();
    b.join();
    c.join();
    d.join();
  });
}

TEST_P(Tcp, WriteSomeStopsAtAFullBufferAndGoesOnWhenThereIsRoom) {
  in_fiber([&] {
    stream_pair p = connected_pair();
    const auto data = patterned(3, 64 << 20);
    const std::size_t first = p.client.write_some(data);
    EXPECT_GT(first, 0U);
    EXPECT_LT(first, data.size());
    std::size_t sent = first;
    auto writer = weft::spawn([&] {
      while (sent < (24U << 20)) {
        sent += p.client.write_some(std::span(data).subspan(sent, std::min<std::size_t>(data.size() - sent, 1 << 20)));
      }
      p.client.shutdown_write();
    });
    std::vector<std::byte> buffer(1 << 20);
    std::size_t received = 0;
    bool right = true;
    while (const std::size_t n = p.server.read_some(buffer)) {
      right = right && std::equal(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n),
                                  data.begin() + static_cast<std::ptrdiff_t>(received));
      received += n;
    }
    writer.join();
    EXPECT_TRUE(right);
    EXPECT_EQ(received, sent);
  });
}

TEST_P(Tcp, HalfCloseEndsOneDirectionOnly) {
  in_fiber([] {
    stream_pair p = connected_pair();
    auto server = weft::spawn([&] {
      std::uint64_t sum = 0, one = 0;
      std::error_code error;
      while (p.server.read_exactly(writable_bytes_of(one), error) == sizeof one) {
        sum += one;
      }
      EXPECT_EQ(error, weft::net::error::end_of_stream);
      p.server.write_all(bytes_of(sum));
    });
    for (std::uint64_t i = 1; i <= 100; ++i) {
      p.client.write_all(bytes_of(i));
    }
    p.client.shutdown_write();
    std::uint64_t sum = 0;
    p.client.read_exactly(writable_bytes_of(sum));
    EXPECT_EQ(sum, 5050U);
    server.join();
    std::error_code error;
    p.client.write_some(bytes_of(sum), error);
    EXPECT_EQ(error, std::errc::broken_pipe);  // and no SIGPIPE
  });
}

TEST_P(Tcp, EndOfStreamIsToldAgainAndAgain) {
  in_fiber([] {
    stream_pair p = connected_pair();
    p.server.write_all(patterned(1, 10));
    p.server.close();
    std::array<std::byte, 100> buffer;
    EXPECT_EQ(p.client.read_some(buffer), 10U);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p.client.read_some(buffer), 0U);
    }
  });
}

TEST_P(Tcp, EndAfterAShortReadIsSeenByAReaderThatWaits) {
  in_fiber([] {
    for (int i = 0; i < 200; ++i) {
      stream_pair p = connected_pair();
      auto reader = weft::spawn([&] {
        std::array<std::byte, 100> buffer;
        std::size_t total = 0;
        while (const std::size_t n = p.client.read_some(buffer)) {
          total += n;
        }
        return total;
      });
      if (i % 2 == 0) {
        weft::this_fiber::yield();
      }
      p.server.write_all(patterned(1, 10));
      if (i % 3 == 0) {
        weft::this_fiber::yield();
      }
      p.server.write_all(patterned(1, 10));
      p.server.close();
      ASSERT_EQ(reader.join(), 20U);
    }
  });
}

TEST_P(Tcp, UrgentDataDoNotStrandWhatFollows) {
  in_fiber([] {
    stream_pair p = connected_pair();
    for (int round = 0; round < 20; ++round) {
      auto reader = weft::spawn([&] {
        std::array<std::byte, 100> buffer;
        std::size_t total = 0;
        while (total < 10) {  // a read ends early at the mark
          total += p.client.read_some(buffer);
        }
        return total;
      });
      if (round % 2 == 0) {
        let_others_run();
      }
      const auto data = patterned(1, 10);
      const char mark = '!';
      ASSERT_EQ(::send(p.server.native_handle(), data.data(), 5, MSG_NOSIGNAL), 5);
      ASSERT_EQ(::send(p.server.native_handle(), &mark, 1, MSG_OOB | MSG_NOSIGNAL), 1);
      ASSERT_EQ(::send(p.server.native_handle(), data.data() + 5, 5, MSG_NOSIGNAL), 5);
      ASSERT_TRUE(reader.join_for(5s));
      ASSERT_EQ(reader.join(), 10U);
    }
  });
}

TEST_P(Tcp, AnEmptySpanIsDoneAtOnce) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::error_code error = std::make_error_code(std::errc::io_error);
    p.client.set_timeout(20ms);
    EXPECT_EQ(p.client.read_some({}, error), 0U);
    EXPECT_FALSE(error) << error;
    p.client.write_all(std::vector<std::byte>(64 << 20), error);
    EXPECT_EQ(error, std::errc::timed_out);  // the buffers are full
    EXPECT_EQ(p.client.write_some({}, error), 0U);
    EXPECT_FALSE(error) << error;
    EXPECT_NO_THROW(p.client.read_exactly({}));
    EXPECT_NO_THROW(p.client.write_all({}));
  });
}

TEST_P(Tcp, AnEmptySpanIsACancellationPointAndTellsAClosedStream) {
  in_fiber([] {
    using operation = void (*)(tcp_stream&, std::error_code&);
    const operation operations[] = {
        [](tcp_stream& s, std::error_code& e) { s.read_some({}, e); },
        [](tcp_stream& s, std::error_code& e) { s.write_some({}, e); },
        [](tcp_stream& s, std::error_code& e) { s.read_exactly({}, e); },
        [](tcp_stream& s, std::error_code& e) { s.write_all({}, e); },
    };
    for (const operation run : operations) {
      stream_pair p = connected_pair();
      std::error_code error;
      auto stopped = weft::spawn([&] {
        while (!weft::this_fiber::get_stop_token().stop_requested()) {
          const weft::cancel_shield shield;
          weft::this_fiber::yield();
        }
        run(p.client, error);
      });
      stopped.request_stop();
      EXPECT_THROW(stopped.join(), weft::cancelled);
      p.client.close();
      run(p.client, error);
      EXPECT_EQ(error, std::errc::bad_file_descriptor);
    }
  });
}

TEST_P(Tcp, ASecondReaderOrWriterIsRefused) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::array<std::byte, 8> a, b;
    auto reader = weft::spawn([&] { return p.client.read_some(a); });
    const std::vector<std::byte> much(64 << 20);
    auto writer = weft::spawn([&] {
      std::error_code error;
      p.client.write_all(much, error);
      return error;
    });
    let_others_run(200);
    weft::this_fiber::sleep_for(10ms);  // on several workers the others need real time; both then wait for good
    std::error_code error;
    p.client.read_some(b, error);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    p.client.write_some(b, error);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    EXPECT_THROW(p.client.write_all(b), std::system_error);
    p.server.write_all(a);
    EXPECT_EQ(reader.join(), a.size());
    p.client.close();
    EXPECT_EQ(writer.join(), std::errc::operation_canceled);
  });
}

TEST_P(Tcp, ConnectionRefusedNamesTheEndpoint) {
  in_fiber([] {
    endpoint nobody;
    {
      auto listener = listen_anywhere();
      nobody = listener.local_endpoint();
    }
    try {
      tcp_stream::connect(nobody);
      FAIL();
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::connection_refused);
      EXPECT_NE(std::string(e.what()).find(nobody.to_string()), std::string::npos);
    }
    std::error_code error;
    EXPECT_FALSE(tcp_stream::connect(nobody, error).is_open());
    EXPECT_EQ(error, std::errc::connection_refused);
  });
}

TEST_P(Tcp, ConnectByNameTriesTheAddresses) {
  in_fiber([] {
    auto listener = listen_anywhere();
    auto client = tcp_stream::connect("localhost", listener.local_endpoint().port());
    auto server = listener.accept();
    EXPECT_EQ(client.local_endpoint(), server.remote_endpoint());
    EXPECT_EQ(client.remote_endpoint(), listener.local_endpoint());
    std::error_code error;
    tcp_stream::connect("no-such-host.invalid", 80, error);
    EXPECT_EQ(&error.category(), &weft::net::resolve_category());
    EXPECT_FALSE(error.message().empty());
  });
}

TEST_P(Tcp, AReadTimesOutAndTheStreamGoesOn) {
  in_fiber([] {
    stream_pair p = connected_pair();
    p.client.set_timeout(20ms);
    std::uint64_t value = 0;
    const auto start = std::chrono::steady_clock::now();
    std::error_code error;
    EXPECT_EQ(p.client.read_some(writable_bytes_of(value), error), 0U);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
    EXPECT_THROW(p.client.read_some(writable_bytes_of(value)), std::system_error);
    p.server.write_all(bytes_of(std::uint64_t{77}));
    p.client.clear_timeout();
    p.client.read_exactly(writable_bytes_of(value));
    EXPECT_EQ(value, 77U);
  });
}

TEST_P(Tcp, TheTimeoutOfAWholeTransferCoversAllOfIt) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::vector<std::byte> buffer(1000);
    p.client.set_timeout(100ms);
    auto dribble = weft::spawn([&] {
      std::error_code error;
      for (int i = 0; i < 1000 && !error; ++i) {
        p.server.write_all(patterned(9, 1), error);
        weft::this_fiber::sleep_for(10ms);
      }
    });
    std::error_code error;
    const auto start = std::chrono::steady_clock::now();
    const std::size_t got = p.client.read_exactly(buffer, error);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_GT(got, 0U);
    EXPECT_LT(got, 1000U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    p.client.close();
    dribble.request_stop();
    EXPECT_THROW(dribble.join(), weft::cancelled);
  });
}

TEST_P(Tcp, AZeroTimeoutPolls) {
  in_fiber([] {
    stream_pair p = connected_pair();
    p.client.set_timeout(0ms);
    std::uint64_t value = 0;
    std::error_code error;
    for (int i = 0; i < 100; ++i) {
      p.client.read_some(writable_bytes_of(value), error);
      ASSERT_EQ(error, std::errc::timed_out);
    }
    p.server.write_all(bytes_of(std::uint64_t{5}));  // loopback: there when the call returns
    p.client.read_exactly(writable_bytes_of(value), error);
    EXPECT_FALSE(error);
    EXPECT_EQ(value, 5U);
  });
}

TEST_P(Tcp, AWriteTimesOutWhenThePeerDoesNotRead) {
  in_fiber([] {
    stream_pair p = connected_pair();
    p.client.set_timeout(20ms);
    const std::vector<std::byte> much(64 << 20);
    std::error_code error;
    const std::size_t sent = p.client.write_all(much, error);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_GT(sent, 0U);
    EXPECT_LT(sent, much.size());
  });
}

TEST_P(Tcp, AcceptTimesOut) {
  in_fiber([] {
    auto listener = listen_anywhere();
    listener.set_timeout(10ms);
    std::error_code error;
    EXPECT_FALSE(listener.accept(error).is_open());
    EXPECT_EQ(error, std::errc::timed_out);
    listener.set_timeout(10s);
    auto client = tcp_stream::connect(listener.local_endpoint());
    EXPECT_TRUE(listener.accept().is_open());
  });
}

TEST_P(Tcp, ConnectTimesOutWhenTheBacklogIsFull) {
  in_fiber([] {
    auto listener = tcp_listener::bind(endpoint::parse("127.0.0.1:0"), {.backlog = 0});
    std::vector<tcp_stream> held;
    std::error_code error;
    for (int i = 0; i < 8 && !error; ++i) {  // once full, the system drops what asks to connect
      held.push_back(tcp_stream::connect_for(listener.local_endpoint(), 100ms, error));
    }
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST_P(Tcp, SeveralAcceptorsShareOneListener) {
  const int each = rounds(100, 20);
  in_fiber([&] {
    auto listener = listen_anywhere();
    std::vector<weft::fiber<int>> acceptors;
    for (int a = 0; a < 4; ++a) {
      acceptors.push_back(weft::spawn({.name = "session", .spread = true}, [&] {
        int got = 0;
        std::error_code error;
        for (;;) {
          const tcp_stream s = listener.accept(error);
          if (error) {
            EXPECT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
            return got;
          }
          ++got;
          weft::this_fiber::yield();
        }
      }));
    }
    for (int i = 0; i < 4 * each; ++i) {
      const auto c = tcp_stream::connect(listener.local_endpoint());
      std::byte end;
      EXPECT_EQ(tcp_stream(tcp_stream::connect(listener.local_endpoint())).read_some({&end, 1}), 0U);
    }
    listener.close();
    int total = 0;
    for (auto& a : acceptors) {
      total += a.join();
    }
    EXPECT_GE(total, 4 * each);
    EXPECT_LE(total, 8 * each);
  });
}

TEST_P(Tcp, StreamsMadeInOneRuntimeWorkInTheNext) {
  stream_pair p;
  std::uint64_t value = 0;
  in_fiber([&] {
    p = connected_pair();
    auto reader = weft::spawn([&] { p.client.read_exactly(writable_bytes_of(value)); });
    let_others_run();
    p.server.write_all(bytes_of(std::uint64_t{1}));
    reader.join();
  });
  EXPECT_EQ(value, 1U);
  in_fiber([&] {
    auto reader = weft::spawn([&] { p.client.read_exactly(writable_bytes_of(value)); });
    let_others_run();
    p.server.write_all(bytes_of(std::uint64_t{2}));
    reader.join();
  });
  EXPECT_EQ(value, 2U);
  p.server.write_all(bytes_of(std::uint64_t{3}));  // and on a plain thread
  p.client.read_exactly(writable_bytes_of(value));
  EXPECT_EQ(value, 3U);
}

TEST_P(Tcp, AWaitSurvivesTheEndOfTheRuntimeWhosePollerHasTheDescriptor) {
  weft::runtime other(workers(1));
  for (int i = 0; i < rounds(50, 10); ++i) {
    stream_pair p;
    weft::fiber<std::uint64_t> reader;
    in_fiber([&] {
      p = connected_pair();
      p.client.set_timeout(1ms);
      std::uint64_t value = 0;
      std::error_code error;
      p.client.read_some(writable_bytes_of(value), error);  // registers here
      EXPECT_EQ(error, std::errc::timed_out);
      p.client.clear_timeout();
      reader = other.spawn([&] {
        std::uint64_t got = 0;
        p.client.read_exactly(writable_bytes_of(got));
        return got;
      });
      if (i % 2 == 0) {
        weft::this_fiber::sleep_for(1ms);
      }
    });
    p.server.write_all(bytes_of(std::uint64_t{99}));
    ASSERT_EQ(reader.join(), 99U);
  }
}

TEST_P(Tcp, ATakenOverSocketpairIsAStream) {
  in_fiber([] {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    auto a = tcp_stream::from_native(fds[0]);
    auto b = tcp_stream::from_native(fds[1]);
    EXPECT_EQ(a.native_handle(), fds[0]);
    auto echo = weft::spawn(echo_until_end, std::move(b));
    const auto sent = patterned(4, 100000);
    std::vector<std::byte> got(sent.size());
    auto writer = weft::spawn([&] {
      a.write_all(sent);
      a.shutdown_write();
    });
    a.read_exactly(got);
    writer.join();
    EXPECT_EQ(got, sent);
    echo.join();
  });
}

// A path may fill sun_path without a terminator; the system then tells a length with one, beyond the structure's size.
TEST_P(Tcp, TheLongestUnixPathIsTold) {
  in_fiber([] {
    std::string folder = testing::TempDir() + "weft_XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::string path = folder + "/";
    ASSERT_LT(path.size(), sizeof at.sun_path);
    path.resize(sizeof at.sun_path, 'x');
    path.copy(at.sun_path, path.size());
    const auto* const address = reinterpret_cast<const sockaddr*>(&at);
    const int bound = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(bound, address, sizeof at), 0);
    ASSERT_EQ(::listen(bound, 1), 0);
    const int connected = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::connect(connected, address, sizeof at), 0);
    EXPECT_EQ(::close(bound), 0);
    EXPECT_EQ(::unlink(path.c_str()), 0);
    EXPECT_EQ(::rmdir(folder.c_str()), 0);
    auto client = tcp_stream::from_native(connected);
    std::error_code error;
    EXPECT_EQ(client.remote_endpoint(error).to_string(), "unix:" + path);
    EXPECT_FALSE(error) << error;
    EXPECT_EQ(client.local_endpoint().to_string(), "unix:");
  });
}

TEST_P(Tcp, AnAddressOfAnotherFamilyIsAnErrorCode) {
  in_fiber([] {
    const int other = ::socket(AF_VSOCK, SOCK_STREAM, 0);
    if (other < 0) {
      GTEST_SKIP() << "no stream sockets of a further family here";
    }
    auto stream = tcp_stream::from_native(other);
    std::error_code error;
    EXPECT_EQ(stream.local_endpoint(error), endpoint{});
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    EXPECT_THROW((void)stream.local_endpoint(), std::system_error);
  });
}

TEST_P(Tcp, WhatIsNoStreamSocketIsRefusedAndStaysTheCallers) {
  in_fiber([] {
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    std::error_code error;
    EXPECT_FALSE(tcp_stream::from_native(fds[0], error).is_open());
    EXPECT_EQ(error, std::errc::not_a_socket);
    EXPECT_EQ(::close(fds[0]), 0);
    EXPECT_EQ(::close(fds[1]), 0);
    const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
    EXPECT_FALSE(tcp_stream::from_native(udp, error).is_open());
    EXPECT_EQ(error, std::errc::wrong_protocol_type);
    EXPECT_EQ(::close(udp), 0);
    EXPECT_THROW(tcp_stream::from_native(-1), std::system_error);
  });
}

TEST_P(Tcp, AnEmptyObjectSaysBadFileDescriptor) {
  in_fiber([] {
    tcp_stream none;
    std::byte one{};
    std::error_code error;
    none.read_some({&one, 1}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    none.write_all({&one, 1}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    none.shutdown_write(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    none.local_endpoint(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_EQ(none.native_handle(), -1);
    none.close();
    tcp_listener nowhere;
    nowhere.accept(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST_P(Tcp, NoDelayAndReusePortReachTheSocket) {
  in_fiber([] {
    stream_pair p = connected_pair();
    p.client.set_no_delay(true);
    p.client.set_no_delay(false);
    auto first = tcp_listener::bind(endpoint::parse("127.0.0.1:0"), {.reuse_port = true});
    auto second = tcp_listener::bind(first.local_endpoint(), {.reuse_port = true});
    EXPECT_EQ(first.local_endpoint(), second.local_endpoint());
    std::error_code error;
    tcp_listener::bind(first.local_endpoint(), error);
    EXPECT_EQ(error, std::errc::address_in_use);
    tcp_listener::bind(endpoint::parse("unix:/x"), error);
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    tcp_stream::connect(endpoint{}, error);
    EXPECT_EQ(error, std::errc::address_family_not_supported);
  });
}

TEST_P(Tcp, Ipv6Works) {
  in_fiber([] {
    std::error_code error;
    auto listener = tcp_listener::bind(endpoint::parse("[::1]:0"), error);
    if (error == std::errc::address_not_available || error == std::errc::address_family_not_supported) {
      GTEST_SKIP() << "no IPv6 loopback here";
    }
    auto client = tcp_stream::connect(listener.local_endpoint());
    EXPECT_EQ(listener.accept().remote_endpoint(), client.local_endpoint());
  });
}

TEST_P(Tcp, AlwaysReadySocketsDoNotStarveOtherFibers) {
  const unsigned workers_now = GetParam();
  in_fiber([workers_now] {
    stream_pair p = connected_pair();
    weft::detail::atomic<bool> other_ran{false};
    auto other = weft::spawn([&] { other_ran.store(true, std::memory_order_relaxed); });  // relaxed: a flag, no data
    int exchanges = 0;
    std::byte one{};
    while (!other_ran.load(std::memory_order_relaxed)) {  // relaxed: as the store
      p.server.write_all({&one, 1});
      p.client.read_exactly({&one, 1});
      ++exchanges;
    }
    other.join();
    if (workers_now == 1) {  // else a thief may have taken it and not come to run it yet
      EXPECT_LE(exchanges, 1000);
    }
  });
}

}  // namespace
