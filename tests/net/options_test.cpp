// Options of TCP sockets do what they say, and ending one direction only.
#include <netinet/in.h>   // IPPROTO_TCP, IPPROTO_IPV6
#include <netinet/tcp.h>  // TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
#include <sys/socket.h>   // getsockopt

#include <gtest/gtest.h>
#include <weft/net/udp_socket.hpp>
#include <weft/net/unix_stream.hpp>

#include "net/loopback.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::net::endpoint;
using weft::net::tcp_listener;
using weft::net::tcp_stream;
using weft::net::udp_socket;

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

class Options : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Options, testing::Values(1U, 2U));

TEST(TcpOptions, NoDelayAndKeepAliveReachTheSocket) {
  stream_pair p = connected_pair();
  const int fd = p.client.native_handle();
  p.client.set_no_delay(true);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  p.client.set_no_delay(false);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  p.client.set_keep_alive({.idle = 30s, .interval = 7s, .count = 4});
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
  p.client.clear_keep_alive();
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(TcpOptions, ValuesOutOfRangeAndClosedSocketsAreRefused) {
  stream_pair p = connected_pair();
  std::error_code error;
  for (const auto& bad : {weft::net::keep_alive_options{.idle = 0s},
                          {.interval = -1s},
                          {.count = 0},
                          {.idle = 32768s},
                          {.idle = std::chrono::seconds(1LL << 40)},
                          {.idle = std::chrono::seconds(-(1LL << 40))}}) {
    p.client.set_keep_alive(bad, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_THROW(p.client.set_keep_alive(bad), std::system_error);
  }
  p.client.set_linger(-1s, error);
  EXPECT_EQ(error, std::errc::invalid_argument);
  EXPECT_EQ(option(p.client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 0);
  p.client.close();
  p.client.set_keep_alive({}, error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  p.client.set_linger(0s, error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  EXPECT_THROW(p.client.clear_linger(), std::system_error);
}

TEST_P(Options, ALingerOfZeroResetsTheConnection) {
  in_fiber([] {
    for (const bool reset : {true, false}) {
      stream_pair p = connected_pair();
      p.client.set_linger(0s);
      if (!reset) {
        p.client.clear_linger();
      }
      p.client.close();
      std::byte one{};
      std::error_code error;
      p.server.read_some({&one, 1}, error);
      EXPECT_EQ(error == std::errc::connection_reset, reset);
      EXPECT_EQ(!error, !reset);
    }
  });
}

TEST_P(Options, AnIpv6AddressTakesIpv4UnlessToldNotTo) {
  in_fiber([] {
    std::error_code error;
    auto both = tcp_listener::bind(endpoint::parse("[::]:0"), error);
    if (error == std::errc::address_family_not_supported || error == std::errc::address_not_available) {
      GTEST_SKIP() << "no IPv6 here";
    }
    const auto v4 = [](const weft::net::endpoint& at) {
      return endpoint::parse("127.0.0.1:" + std::to_string(at.port()));
    };
    auto client = tcp_stream::connect(v4(both.local_endpoint()));
    EXPECT_TRUE(both.accept().is_open());
    auto only = tcp_listener::bind(endpoint::parse("[::]:0"), {.ipv6_only = true});
    EXPECT_EQ(option(only.native_handle(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    auto beside = tcp_listener::bind(v4(only.local_endpoint()), error);
    EXPECT_FALSE(error) << "the port is free for IPv4";
    auto udp = udp_socket::bind(endpoint::parse("[::]:0"), {.ipv6_only = true});
    EXPECT_EQ(option(udp.native_handle(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    EXPECT_EQ(option(udp_socket::bind(endpoint::parse("[::]:0")).native_handle(), IPPROTO_IPV6, IPV6_V6ONLY), 0);
  });
}

TEST_P(Options, ShutdownReadEndsTheReaderThatWaitsAndLeavesWriting) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::byte one{};
    auto reader = weft::spawn([&] { return p.client.read_some({&one, 1}); });
    wait_until_parked(p.client.native_handle(), 1);
    p.client.shutdown_read();
    EXPECT_EQ(reader.join(), 0U);
    EXPECT_EQ(p.client.read_some({&one, 1}), 0U);
    const std::byte sent{7};
    p.client.write_all({&sent, 1});
    p.server.read_exactly({&one, 1});
    EXPECT_EQ(one, sent);
    p.client.close();
    std::error_code error;
    p.client.shutdown_read(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(p.client.shutdown_read(), std::system_error);
  });
}

TEST_P(Options, ShutdownReadOfAUnixStreamEndsThePeersWriting) {
  in_fiber([] {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    auto a = weft::net::unix_stream::from_native(fds[0]), b = weft::net::unix_stream::from_native(fds[1]);
    std::byte one{3}, got{};
    b.write_all({&one, 1});
    a.shutdown_read();
    a.read_exactly({&got, 1});
    EXPECT_EQ(got, one) << "what has arrived stays";
    EXPECT_EQ(a.read_some({&got, 1}), 0U);
    std::error_code error;
    b.write_some({&one, 1}, error);
    EXPECT_EQ(error, std::errc::broken_pipe);
    a.write_all({&one, 1});
    EXPECT_EQ(b.read_some({&got, 1}), 1U);
  });
}

}  // namespace
