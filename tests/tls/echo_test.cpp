// Bytes over TLS, over each kind of transport.
#include <array>       // array
#include <functional>  // ref
#include <string>      // to_string
#include <thread>      // thread

#include <unistd.h>  // getpid

#include <gtest/gtest.h>
#include <weft/net/error.hpp>
#include <weft/net/unix_listener.hpp>
#include <weft/net/unix_stream.hpp>

#include "tls/pairs.hpp"

namespace {

using namespace weft_test;
using weft::net::endpoint;
using weft::net::tcp_stream;
using weft::net::unix_listener;
using weft::net::unix_stream;

class TlsEcho : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, TlsEcho, testing::Values(1U, 2U));

void echo_until_end(tls::stream& s) {
  std::array<std::byte, 5000> buffer;
  while (const std::size_t n = s.read_some(buffer)) {
    s.write_all(std::span(buffer).first(n));
  }
  s.shutdown();
}

// A few messages there and back, and a clean end.
void expect_echo(tls_pair pair, std::size_t largest = 50'000) {
  auto echo = weft::spawn([&] {
    pair.server.handshake();
    echo_until_end(pair.server);
  });
  pair.client.handshake();
  EXPECT_EQ(pair.client.version(), "TLSv1.3");
  EXPECT_EQ(pair.client.peer_subject(), "CN=localhost");
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, largest / 3, largest}) {
    const auto sent = patterned(size, size);
    std::vector<std::byte> got(size);
    auto writer = weft::spawn([&] { pair.client.write_all(sent); });
    pair.client.read_exactly(got);
    writer.join();
    EXPECT_EQ(got, sent);
  }
  pair.client.shutdown();
  std::byte one{};
  EXPECT_EQ(pair.client.read_some({&one, 1}), 0U);
  EXPECT_EQ(pair.client.read_some({&one, 1}), 0U);
  echo.join();
}

TEST_P(TlsEcho, OverTcp) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    p.client.set_no_delay(true);
    p.server.set_no_delay(true);
    expect_echo({tls::stream(std::move(p.client), common_client(), {.host = "localhost"}),
                 tls::stream(std::move(p.server), common_server())});
  });
}

TEST_P(TlsEcho, OverUnixSockets) {
  weft::run(workers(GetParam()), [] {
    auto listener = unix_listener::bind(endpoint::parse("unix:@weft-tls-echo-" + std::to_string(::getpid())));
    auto client = unix_stream::connect(listener.local_endpoint());
    expect_echo({tls::stream(std::move(client), common_client(), {.host = "localhost"}),
                 tls::stream(listener.accept(), common_server())});
  });
}

TEST_P(TlsEcho, OverAStreamThatMovesOneByteAtATime) {
  weft::run(workers(GetParam()), [] { expect_echo(pair_in_memory(connected_in_memory(1)), 2'000); });
}

TEST_P(TlsEcho, OverAStreamWithRoomForAFewBytes) {
  weft::run(workers(GetParam()), [] { expect_echo(pair_in_memory(connected_in_memory(1000, 37))); });
}

TEST_P(TlsEcho, OverAnotherTlsStream) {
  weft::run(workers(GetParam()), [] {
    tls_pair outer = connected_pair_in_memory(connected_in_memory());
    expect_echo({tls::stream(std::move(outer.client), common_client(), {.host = "localhost"}),
                 tls::stream(std::move(outer.server), common_server())});
  });
}

TEST_P(TlsEcho, OverABorrowedStreamWhichItsOwnerKeeps) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    p.client.set_no_delay(true);
    p.server.set_no_delay(true);
    expect_echo({tls::stream(std::ref(p.client), common_client(), {.host = "localhost"}),
                 tls::stream(std::ref(p.server), common_server())});
    p.client.write_all(bytes_of(std::uint64_t{5}));  // in the clear
    std::uint64_t got = 0;
    p.server.read_exactly(writable_bytes_of(got));
    EXPECT_EQ(got, 5U);
  });
}

TEST(TlsStream, KnowsItsTransport) {
  tls::stream s(memory_stream{}, common_client(), {.host = "localhost"});
  EXPECT_NE(s.over<memory_stream>(), nullptr);
  EXPECT_EQ(s.over<tcp_stream>(), nullptr);
  tcp_stream tcp;
  tls::stream borrowing(std::ref(tcp), common_client(), {.host = "localhost"});
  EXPECT_EQ(borrowing.over<std::reference_wrapper<tcp_stream>>(), &tcp);
}

TEST(TlsStream, WorksBetweenPlainThreads) {
  tls_pair p = pair_in_memory(connected_in_memory());
  std::thread server([&] {
    p.server.handshake();
    echo_until_end(p.server);
  });
  p.client.handshake();
  send_text(p.client, "from a thread");
  EXPECT_EQ(receive_text(p.client, 13), "from a thread");
  p.client.shutdown(tls::closing::wait);
  server.join();
}

TEST(TlsStream, ThatIsNoneSaysSo) {
  tls::stream none;
  std::byte one{};
  std::error_code error;
  none.handshake(error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  EXPECT_EQ(none.read_some({&one, 1}, error), 0U);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  EXPECT_EQ(none.write_all({&one, 1}, error), 0U);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  none.shutdown(tls::closing::wait, error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
  none.close();
  EXPECT_EQ(none.alpn() + none.version() + none.cipher() + none.peer_subject() + none.server_name(), "");
  EXPECT_FALSE(none.session_reused());
}

TEST(TlsStream, OperationsBeforeTheHandshakeAreRefused) {
  tls_pair p = pair_in_memory(connected_in_memory());
  std::byte one{};
  std::error_code error;
  EXPECT_EQ(p.client.read_some({&one, 1}, error), 0U);
  EXPECT_EQ(error, tls::error::no_handshake);
  EXPECT_EQ(p.client.write_some({&one, 1}, error), 0U);
  EXPECT_EQ(error, tls::error::no_handshake);
  p.client.shutdown(tls::closing::send, error);
  EXPECT_EQ(error, tls::error::no_handshake);
  EXPECT_EQ(p.client.cipher(), "");
}

}  // namespace
