// Stops and timeouts: what they end, and what may go on.
#include <gtest/gtest.h>
#include <weft/fiber/cancelled.hpp>
#include <weft/task/deadline.hpp>

#include "support/test_runtime.hpp"
#include "tls/pairs.hpp"

namespace {

using namespace weft_test;
using weft::testing::test_runtime;

// A fiber is stopped once nothing else can run: it waits then.
template <class F>
void stop_when_waiting(test_runtime& rt, F&& wait) {
  auto f = rt.spawn("waiting", std::forward<F>(wait));
  rt.run_until_idle();
  f.request_stop();
  EXPECT_THROW(f.join(), weft::cancelled);
}

void expect_interrupted(tls::stream& s) {
  std::byte one{};
  std::error_code error;
  s.handshake(error);
  EXPECT_EQ(error, tls::error::interrupted) << error.message();
  EXPECT_EQ(s.read_some({&one, 1}, error), 0U);
  EXPECT_EQ(error, tls::error::interrupted);
  EXPECT_EQ(s.write_all({&one, 1}, error), 0U);
  EXPECT_EQ(error, tls::error::interrupted);
  s.shutdown(tls::closing::wait, error);
  EXPECT_EQ(error, tls::error::interrupted);
  EXPECT_EQ(s.peer_subject(), "");
}

TEST(TlsStop, EndsAHandshakeThatWaitsForThePeerAndLeavesAStreamThatCannotGoOn) {
  test_runtime rt{3};
  tls_pair p = pair_in_memory(connected_in_memory());
  stop_when_waiting(rt, [&] { p.client.handshake(); });
  expect_interrupted(p.client);
  std::error_code error;
  stop_when_waiting(rt, [&] { p.server.handshake(error); });
  expect_interrupted(p.server);
}

TEST(TlsStop, EndsAHandshakeAtEachOfItsWaits) {
  for (std::size_t bytes = 1; bytes < 4000; bytes += 331) {
    test_runtime rt{bytes};
    const memory_ends ends = connected_in_memory(1 << 16, bytes);  // each side fits so much into its pipe
    tls_pair p = pair_in_memory(ends);
    ends.server.in->hold(true);
    stop_when_waiting(rt, [&] { p.client.handshake(); });
    expect_interrupted(p.client);
  }
}

TEST(TlsStop, ThatCameBeforeIsNoticedAlthoughNothingHasToWait) {
  test_runtime rt{1};
  rt.run([&] {
    tls_pair p = connected_pair_in_memory(connected_in_memory());
    send_text(p.server, "there is something to read");
    auto f = weft::spawn([&] {
      std::byte one{};
      EXPECT_THROW(p.client.read_some({&one, 1}), weft::cancelled);
      EXPECT_THROW(p.client.write_all({&one, 1}), weft::cancelled);
      EXPECT_THROW(p.client.shutdown(), weft::cancelled);
      EXPECT_THROW(p.client.handshake(), weft::cancelled);
    });
    f.request_stop();
    f.join();
    EXPECT_EQ(receive_text(p.client, 5), "there");
    send_text(p.client, "x");  // nothing was begun, so nothing is lost
    EXPECT_EQ(receive_text(p.server, 1), "x");
  });
}

TEST(TlsStop, OfAReadLosesNothing) {
  test_runtime rt{5};
  const memory_ends ends = connected_in_memory(7);
  tls_pair p;
  rt.run([&] { p = connected_pair_in_memory(ends); });
  ends.client.in->hold(true);
  rt.run([&] { send_text(p.server, "whole"); });
  std::byte room[5];
  stop_when_waiting(rt, [&] { p.client.read_some(room); });
  stop_when_waiting(rt, [&] { p.client.read_exactly(room); });
  ends.client.in->hold(false);
  rt.run([&] { EXPECT_EQ(receive_text(p.client, 5), "whole"); });
}

TEST(TlsStop, OfAWriteEndsWritingAndReadingGoesOn) {
  test_runtime rt{6};
  const memory_ends ends = connected_in_memory(1 << 16, 5000);
  tls_pair p;
  rt.run([&] { p = connected_pair_in_memory(ends); });
  const auto much = patterned(1, 100'000);
  stop_when_waiting(rt, [&] { p.client.write_all(much); });
  rt.run([&] {
    std::byte one{};
    std::error_code error;
    EXPECT_EQ(p.client.write_all({&one, 1}, error), 0U);
    EXPECT_EQ(error, tls::error::interrupted);
    p.client.shutdown(tls::closing::send, error);
    EXPECT_EQ(error, tls::error::interrupted);
    send_text(p.server, "still heard");
    EXPECT_EQ(receive_text(p.client, 11), "still heard");
  });
}

TEST(TlsTimeout, BoundsAHandshakeAndLeavesAStreamThatCannotGoOn) {
  test_runtime rt{8};
  tls_pair p = pair_in_memory(connected_in_memory());
  rt.run([&] { EXPECT_THROW(weft::with_timeout(1s, [&] { p.client.handshake(); }), weft::timed_out); });
  expect_interrupted(p.client);
}

TEST(TlsTimeout, OfTheTransportIsTold) {
  weft::run(workers(1), [] {
    stream_pair sockets = connected_pair();
    tls::stream silent(std::ref(sockets.client), common_client(), {.host = "localhost"});
    silent.set_timeout(1ms);
    std::error_code error;
    silent.handshake(error);
    EXPECT_EQ(error, std::errc::timed_out) << error.message();
    expect_interrupted(silent);
  });
}

TEST(TlsTimeout, OfAReadMayBeTriedAgain) {
  weft::run(workers(1), [] {
    stream_pair sockets = connected_pair();
    tls_pair p{tls::stream(std::move(sockets.client), common_client(), {.host = "localhost"}),
               tls::stream(std::move(sockets.server), common_server())};
    ASSERT_FALSE(shake_hands(p).client);
    p.client.set_timeout(1ms);
    std::byte one{};
    std::error_code error;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p.client.read_some({&one, 1}, error), 0U);
      EXPECT_EQ(error, std::errc::timed_out) << error.message();
    }
    p.client.clear_timeout();
    send_text(p.server, "late");
    EXPECT_EQ(receive_text(p.client, 4), "late");
  });
}

TEST(TlsClose, EndsTheWaitOfAnother) {
  weft::run(workers(1), [] {
    stream_pair sockets = connected_pair();
    tls_pair p{tls::stream(std::move(sockets.client), common_client(), {.host = "localhost"}),
               tls::stream(std::move(sockets.server), common_server())};
    ASSERT_FALSE(shake_hands(p).client);
    std::error_code error;
    auto reader = weft::spawn([&] {
      std::byte one{};
      p.client.read_some({&one, 1}, error);
    });
    let_others_run();
    p.client.close();
    reader.join();
    EXPECT_EQ(error, std::errc::operation_canceled) << error.message();
  });
}

TEST(TlsTurns, ASecondReaderOrWriterIsRefused) {
  test_runtime rt{9};
  const memory_ends ends = connected_in_memory(1 << 16, 5000);
  tls_pair p;
  rt.run([&] { p = connected_pair_in_memory(ends); });
  const auto much = patterned(2, 30'000);
  auto reader = rt.spawn("reader", [&] { return receive_text(p.client, 4); });
  auto writer = rt.spawn("writer", [&] { p.client.write_all(much); });
  rt.run_until_idle();
  rt.run([&] {
    std::byte one{};
    std::error_code error;
    EXPECT_EQ(p.client.read_some({&one, 1}, error), 0U);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    EXPECT_EQ(p.client.write_some({&one, 1}, error), 0U);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    p.client.shutdown(tls::closing::send, error);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    p.client.handshake(error);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    EXPECT_EQ(p.client.version(), "TLSv1.3");
    send_text(p.server, "done");
    std::vector<std::byte> got(much.size());
    p.server.read_exactly(got);
    EXPECT_EQ(got, much);
  });
  EXPECT_EQ(reader.join(), "done");
  writer.join();
}

}  // namespace
