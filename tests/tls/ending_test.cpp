// How connections end: said by the peer, cut short by somebody, or spoiled.
#include <gtest/gtest.h>
#include <weft/net/error.hpp>

#include "tls/pairs.hpp"

namespace {

using namespace weft_test;

class TlsEnd : public testing::TestWithParam<tls::protocol_version> {
 protected:
  tls::context client() const {
    auto settings = trusting(common_authority());
    settings.maximum = GetParam();
    return tls::context::client(settings);
  }
  tls_pair connected(const memory_ends& ends) const { return connected_pair_in_memory(ends, client()); }
  std::byte one_{};
  std::error_code error_;
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsEnd,
                         testing::Values(tls::protocol_version::tls1_2, tls::protocol_version::tls1_3));

TEST_P(TlsEnd, CloseNotifyIsACleanEndAndTheOtherDirectionGoesOn) {
  weft::run(workers(1), [&] {
    tls_pair p = connected(connected_in_memory());
    send_text(p.client, "last words");
    p.client.shutdown();
    p.client.shutdown();  // again: nothing more is sent
    EXPECT_EQ(receive_text(p.server, 10), "last words");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p.server.read_some({&one_, 1}, error_), 0U);
      EXPECT_FALSE(error_) << error_.message();
    }
    EXPECT_EQ(p.server.read_exactly({&one_, 1}, error_), 0U);
    EXPECT_EQ(error_, weft::net::error::end_of_stream);
    p.client.write_all({&one_, 1}, error_);
    EXPECT_EQ(error_, std::errc::broken_pipe) << error_.message();
    send_text(p.server, "answer");
    EXPECT_EQ(receive_text(p.client, 6), "answer");
    p.server.shutdown(tls::closing::wait);
    EXPECT_EQ(p.client.read_some({&one_, 1}), 0U);
  });
}

TEST_P(TlsEnd, BothMayShutDownAndWait) {
  weft::run(workers(1), [&] {
    tls_pair p = connected(connected_in_memory());
    send_text(p.server, "discarded");
    auto other = weft::spawn([&] { p.server.shutdown(tls::closing::wait); });
    p.client.shutdown(tls::closing::wait);
    other.join();
  });
}

TEST_P(TlsEnd, WithoutCloseNotifyIsATruncation) {
  weft::run(workers(1), [&] {
    const memory_ends ends = connected_in_memory();
    tls_pair p = connected(ends);
    send_text(p.client, "half of a mess");
    ends.server.in->end();  // an attacker's FIN
    EXPECT_EQ(receive_text(p.server, 14), "half of a mess");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p.server.read_some({&one_, 1}, error_), 0U);
      EXPECT_EQ(error_, tls::error::truncated) << error_.message();
    }
    p.server.read_exactly({&one_, 1}, error_);
    EXPECT_EQ(error_, tls::error::truncated);
    p.server.shutdown(tls::closing::wait, error_);
    EXPECT_EQ(error_, tls::error::truncated);
    EXPECT_THROW(p.server.read_some({&one_, 1}), std::system_error);
  });
}

TEST_P(TlsEnd, InTheMiddleOfARecordIsATruncation) {
  weft::run(workers(1), [&] {
    const memory_ends ends = connected_in_memory();
    tls_pair p = connected(ends);
    send_text(p.client, "never whole");
    const std::size_t whole = ends.server.in->waiting();
    for (const std::size_t kept : {whole - 1, std::size_t{7}, std::size_t{3}}) ends.server.in->keep_only(kept);
    ends.server.in->end();
    EXPECT_EQ(p.server.read_some({&one_, 1}, error_), 0U);
    EXPECT_EQ(error_, tls::error::truncated) << error_.message();
  });
}

TEST_P(TlsEnd, AStreamThatIsDestroyedLeavesATruncation) {
  weft::run(workers(1), [&] {
    stream_pair sockets = connected_pair();
    tls_pair p{tls::stream(std::move(sockets.client), client(), {.host = "localhost"}),
               tls::stream(std::move(sockets.server), common_server())};
    EXPECT_FALSE(shake_hands(p).client);
    p.client = tls::stream();
    EXPECT_EQ(p.server.read_some({&one_, 1}, error_), 0U);
    EXPECT_TRUE(error_ == tls::error::truncated || error_ == std::errc::connection_reset) << error_.message();
  });
}

TEST_P(TlsEnd, ASpoiledRecordEndsBothDirectionsAndThePeerIsTold) {
  weft::run(workers(1), [&] {
    const memory_ends ends = connected_in_memory();
    tls_pair p = connected(ends);
    send_text(p.client, "spoiled");
    ends.server.in->spoil();
    EXPECT_EQ(p.server.read_some({&one_, 1}, error_), 0U);
    const std::error_code first = error_;
    EXPECT_EQ(first.category(), tls::openssl_category());
    EXPECT_EQ(first.message(), "decryption failed or bad record mac");
    p.server.read_some({&one_, 1}, error_);
    EXPECT_EQ(error_, first);
    p.server.write_all({&one_, 1}, error_);
    EXPECT_EQ(error_, first);
    p.client.read_some({&one_, 1}, error_);
    EXPECT_NE(error_.message().find("alert bad record mac"), std::string::npos) << error_.message();
  });
}

TEST(TlsEndOfHandshake, ThatComesTooEarlyIsATruncation) {
  for (const std::size_t bytes : {0U, 3U, 60U, 500U}) {
    weft::run(workers(1), [&] {
      const memory_ends ends = connected_in_memory();
      auto forgetful = trusting(common_authority());
      forgetful.kept_sessions = 0;  // a resumed session is agreed on in fewer bytes
      tls_pair p = pair_in_memory(ends, tls::context::client(forgetful));
      std::error_code client, server;
      auto other = weft::spawn([&] { p.server.handshake(server); });
      ends.client.in->hold(true);
      auto one = weft::spawn([&] { p.client.handshake(client); });
      let_others_run();
      ends.client.in->keep_only(bytes);
      ends.client.in->end();
      ends.client.in->hold(false);
      one.join();
      ends.server.in->end();
      other.join();
      EXPECT_EQ(client, tls::error::truncated) << client.message();
      EXPECT_EQ(server, tls::error::truncated) << server.message();
      p.client.handshake(client);
      EXPECT_EQ(client, tls::error::interrupted);
    });
  }
}

TEST(TlsEndOfHandshake, AgainstAPeerThatSpeaksSomethingElseIsAnError) {
  weft::run(workers(1), [] {
    memory_ends ends = connected_in_memory();
    tls_pair p = pair_in_memory(ends);
    std::error_code error;
    const std::string_view plain = "HTTP/1.1 400 Bad Request\r\n\r\n";
    ends.server.write_some(std::as_bytes(std::span(plain)), error);
    p.client.handshake(error);
    EXPECT_EQ(error.category(), tls::openssl_category());
    EXPECT_EQ(error.message(), "wrong version number");
    std::error_code again;
    p.client.handshake(again);
    EXPECT_EQ(again, error);
    std::byte one{};
    p.client.read_some({&one, 1}, again);
    EXPECT_EQ(again, error);
  });
}

TEST(TlsEndOfHandshake, ASecondHandshakeDoesNothing) {
  weft::run(workers(1), [] {
    tls_pair p = connected_pair_in_memory(connected_in_memory());
    p.client.handshake();
    p.server.handshake();
    send_text(p.client, "x");
    EXPECT_EQ(receive_text(p.server, 1), "x");
  });
}

}  // namespace
