// What a handshake agrees on: protocols, names, versions, sessions, and which certificate is shown.
#include <atomic>     // atomic
#include <stdexcept>  // runtime_error
#include <string>     // string

#include <gtest/gtest.h>
#include <weft/sched/this_fiber.hpp>

#include "support/child.hpp"
#include "support/test_runtime.hpp"
#include "tls/pairs.hpp"

namespace {

using namespace weft_test;
using tls::protocol_version;
using names = std::vector<std::string>;

struct shaken {
  outcomes o;
  tls_pair pair;
};
shaken try_contexts(const tls::context& client, const tls::context& server,
                    const tls::stream_options& options = {.host = "localhost"}) {
  shaken s{{}, pair_in_memory(connected_in_memory(), client, server, options)};
  s.o = shake_hands(s.pair);
  return s;
}

tls::client_settings client_settings() { return trusting(common_authority()); }
tls::server_settings server_settings() { return showing(common_authority().issue()); }

shaken try_alpn(const names& offered, const names& spoken, tls::alpn_chooser chooser = {}) {
  auto client = client_settings();
  client.alpn = offered;
  auto server = server_settings();
  server.alpn = spoken;
  server.choose_alpn = std::move(chooser);
  return try_contexts(tls::context::client(client), tls::context::server(server));
}

void expect_alpn(const shaken& s, const std::string& name) {
  EXPECT_FALSE(s.o.client) << s.o.client.message();
  EXPECT_FALSE(s.o.server) << s.o.server.message();
  EXPECT_EQ(s.pair.client.alpn(), name);
  EXPECT_EQ(s.pair.server.alpn(), name);
}
void expect_no_protocol(const shaken& s) {
  EXPECT_EQ(s.o.client.message(), "tlsv1 alert no application protocol");
  EXPECT_EQ(s.o.server.category(), tls::openssl_category());
  EXPECT_EQ(s.o.server.message(), "no application protocol");
}

TEST(TlsAlpn, TheServersPreferenceDecides) {
  weft::run(workers(1), [] {
    expect_alpn(try_alpn({"http/1.1", "h2"}, {"h2", "http/1.1"}), "h2");
    expect_alpn(try_alpn({"h2", "http/1.1"}, {"acme", "http/1.1"}), "http/1.1");
  });
}

TEST(TlsAlpn, WithoutAProtocolInCommonTheHandshakeFails) {
  weft::run(workers(1), [] { expect_no_protocol(try_alpn({"h2"}, {"http/1.1"})); });
}

TEST(TlsAlpn, NobodyIsForcedToUseIt) {
  weft::run(workers(1), [] {
    expect_alpn(try_alpn({}, {"h2"}), "");
    expect_alpn(try_alpn({"h2"}, {}), "");
  });
}

TEST(TlsAlpn, AChooserSeesTheOffersAndDecides) {
  weft::run(workers(1), [] {
    names seen;
    expect_alpn(try_alpn({"a", "bb", "ccc"}, {"a"},
                         [&](std::span<const std::string_view> offered) {
                           seen.assign(offered.begin(), offered.end());
                           return offered[1];
                         }),
                "bb");
    EXPECT_EQ(seen, (names{"a", "bb", "ccc"}));
    expect_no_protocol(try_alpn({"a"}, {}, [](auto) { return std::string_view(); }));
    expect_no_protocol(try_alpn({"a"}, {}, [](auto) { return std::string_view("not offered"); }));
    expect_no_protocol(try_alpn({"a"}, {}, [](auto) -> std::string_view { throw std::runtime_error("no"); }));
  });
}

TEST(TlsAlpn, AChooserThatSuspendsEndsTheProgramWithAReport) {
  const auto child = weft::testing::run_in_child([] {
    weft::testing::test_runtime rt{1};  // no thread: some sanitizers allow none in a child
    rt.run([] {
      try_alpn({"a"}, {}, [](std::span<const std::string_view> offered) {
        weft::this_fiber::yield();
        return offered[0];
      });
    });
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find("inside of OpenSSL"), std::string::npos) << child.errors;
}

TEST(TlsServerName, IsToldToTheServerUnlessItIsAnAddress) {
  weft::run(workers(1), [] {
    EXPECT_EQ(try_contexts(common_client(), common_server()).pair.server.server_name(), "localhost");
    EXPECT_EQ(try_contexts(common_client(), common_server(), {.host = "127.0.0.1"}).pair.server.server_name(), "");
    EXPECT_EQ(try_contexts(common_client(), common_server(), {.host = "example.org", .check_host = false})
                  .pair.server.server_name(),
              "example.org");
  });
}

TEST(TlsVersion, IsTheHighestThatBothKnow) {
  weft::run(workers(1), [] {
    auto old_client = client_settings();
    old_client.maximum = protocol_version::tls1_2;
    const shaken s = try_contexts(tls::context::client(old_client), common_server());
    EXPECT_FALSE(s.o.client || s.o.server);
    EXPECT_EQ(s.pair.client.version(), "TLSv1.2");
    EXPECT_NE(s.pair.client.cipher(), "");
    EXPECT_EQ(s.pair.client.cipher(), s.pair.server.cipher());
    auto new_server = server_settings();
    new_server.minimum = protocol_version::tls1_3;
    const shaken failed = try_contexts(tls::context::client(old_client), tls::context::server(new_server));
    EXPECT_EQ(failed.o.client.message(), "tlsv1 alert protocol version");
    EXPECT_EQ(failed.o.server.message(), "unsupported protocol");
  });
}

// ---- sessions --------------------------------------------------------------------------------------------------------

// A connection that exchanges a byte each way, so that tickets arrive.
bool connect_reuses(const tls::context& client, const tls::context& server, const tls::stream_options& options) {
  shaken s = try_contexts(client, server, options);
  EXPECT_FALSE(s.o.client) << s.o.client.message();
  EXPECT_FALSE(s.o.server) << s.o.server.message();
  send_text(s.pair.server, "x");
  EXPECT_EQ(receive_text(s.pair.client, 1), "x");
  EXPECT_EQ(s.pair.client.session_reused(), s.pair.server.session_reused());
  EXPECT_EQ(s.pair.client.peer_subject(), "CN=localhost");  // also of a resumed one
  return s.pair.client.session_reused();
}

class TlsResumption : public testing::TestWithParam<protocol_version> {
 protected:
  tls::client_settings settings() const {
    auto s = client_settings();
    s.maximum = GetParam();
    return s;
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsResumption, testing::Values(protocol_version::tls1_2, protocol_version::tls1_3));

TEST_P(TlsResumption, WorksBetweenConnectionsToTheSameHostAndKey) {
  weft::run(workers(1), [&] {
    const auto client = tls::context::client(settings());
    EXPECT_FALSE(connect_reuses(client, common_server(), {.host = "localhost"}));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(connect_reuses(client, common_server(), {.host = "localhost"}));
    EXPECT_FALSE(connect_reuses(client, common_server(), {.host = "127.0.0.1"})) << "another host";
    EXPECT_FALSE(connect_reuses(client, common_server(), {.host = "localhost", .session_key = "8443"}));
    EXPECT_TRUE(connect_reuses(client, common_server(), {.host = "localhost", .session_key = "8443"}));
    EXPECT_FALSE(connect_reuses(client, common_server(), {.host = "localhost", .check_host = false}));
    EXPECT_FALSE(connect_reuses(tls::context::client(settings()), common_server(), {.host = "localhost"}));
  });
}

TEST_P(TlsResumption, IsForgottenForThePeerNotHeardOfForLongest) {
  weft::run(workers(1), [&] {
    auto few = settings();
    few.kept_sessions = 2;
    const auto client = tls::context::client(few);
    const auto reuses = [&](std::string_view key) {
      return connect_reuses(client, common_server(), {.host = "localhost", .session_key = key});
    };
    EXPECT_FALSE(reuses("a"));
    EXPECT_FALSE(reuses("b"));
    EXPECT_TRUE(reuses("a"));
    EXPECT_FALSE(reuses("c"));  // instead of b
    EXPECT_TRUE(reuses("a"));
    EXPECT_FALSE(reuses("b"));
  });
}

TEST_P(TlsResumption, CanBeTurnedOffOnEitherSide) {
  weft::run(workers(1), [&] {
    auto none = settings();
    none.kept_sessions = 0;
    const auto forgetful = tls::context::client(none);
    auto no_tickets = server_settings();
    no_tickets.tickets = false;
    const auto client = tls::context::client(settings());
    const auto server = tls::context::server(no_tickets);
    for (int i = 0; i < 2; ++i) {
      EXPECT_FALSE(connect_reuses(forgetful, common_server(), {.host = "localhost"}));
      EXPECT_FALSE(connect_reuses(client, server, {.host = "localhost"}));
    }
  });
}

TEST_P(TlsResumption, KeepsTheClientsCertificateInSight) {
  weft::run(workers(1), [&] {
    auto known = settings();
    known.own = common_authority().issue({.name = "somebody", .for_client = true});
    auto asking = server_settings();
    asking.clients = tls::client_certificate::required;
    asking.trust = common_authority().pem();
    const auto client = tls::context::client(known), server = tls::context::server(asking);
    for (const bool again : {false, true}) {
      shaken s = try_contexts(client, server);
      EXPECT_FALSE(s.o.server) << s.o.server.message();
      EXPECT_EQ(s.pair.server.session_reused(), again);
      EXPECT_EQ(s.pair.server.peer_subject(), "CN=somebody");
      send_text(s.pair.server, "x");
      receive_text(s.pair.client, 1);
    }
  });
}

// ---- reload ----------------------------------------------------------------------------------------------------------

TEST_P(TlsResumption, GoesOnOverAReloadOfTheServersCertificate) {
  weft::run(workers(1), [&] {
    const auto client = tls::context::client(settings());
    auto server = tls::context::server(server_settings());
    EXPECT_FALSE(connect_reuses(client, server, {.host = "localhost"}));
    server.reload(common_authority().issue());
    EXPECT_TRUE(connect_reuses(client, server, {.host = "localhost"}));
  });
}

TEST(TlsReload, NewConnectionsSeeTheNewCertificateAndOldOnesGoOn) {
  weft::run(workers(1), [] {
    auto server = tls::context::server(showing(common_authority().issue({.name = "first"})));
    shaken before = try_contexts(common_client(), server);
    tls_pair made_before = pair_in_memory(connected_in_memory(), common_client(), server);
    server.reload(common_authority().issue({.name = "second"}));
    auto forgetful = client_settings();
    forgetful.kept_sessions = 0;
    const auto client = tls::context::client(forgetful);
    EXPECT_EQ(try_contexts(client, server).pair.client.peer_subject(), "CN=second");
    EXPECT_FALSE(shake_hands(made_before).client);
    EXPECT_EQ(made_before.client.peer_subject(), "CN=first");
    send_text(before.pair.server, "still here");
    EXPECT_EQ(receive_text(before.pair.client, 10), "still here");
    EXPECT_EQ(before.pair.client.peer_subject(), "CN=first");
  });
}

TEST(TlsReload, ThatFailsChangesNothing) {
  weft::run(workers(1), [] {
    auto server = tls::context::server(showing(common_authority().issue({.name = "first"})));
    tls::identity half = common_authority().issue();
    half.private_key = common_authority().issue().private_key;
    std::error_code error;
    server.reload(half, error);
    EXPECT_EQ(error, tls::error::no_private_key) << error.message();
    EXPECT_THROW(server.reload({}), std::system_error);
    EXPECT_EQ(try_contexts(common_client(), server).pair.client.peer_subject(), "CN=first");
  });
}

TEST(TlsReload, OfAClientShowsItsNewCertificate) {
  weft::run(workers(1), [] {
    auto known = client_settings();
    known.own = common_authority().issue({.name = "first", .for_client = true});
    auto asking = server_settings();
    asking.clients = tls::client_certificate::required;
    asking.trust = common_authority().pem();
    auto client = tls::context::client(known);
    auto server = tls::context::server(asking);
    server.reload(common_authority().issue());  // and whom it trusts stays
    EXPECT_EQ(try_contexts(client, server).pair.server.peer_subject(), "CN=first");
    client.reload(common_authority().issue({.name = "second", .for_client = true}));
    EXPECT_EQ(try_contexts(client, server).pair.server.peer_subject(), "CN=second");
  });
}

TEST(TlsReload, RacesWithHandshakes) {
  const int count = rounds(200, 30);
  weft::run(workers(2), [&] {
    auto server = tls::context::server(server_settings());
    const tls::identity other = common_authority().issue();
    std::atomic<bool> done = false;
    auto reloading = weft::spawn([&, copy = server]() mutable {
      while (!done) {
        copy.reload(other);
        weft::this_fiber::yield();
      }
    });
    for (int i = 0; i < count; ++i) {
      const shaken s = try_contexts(common_client(), server);
      EXPECT_FALSE(s.o.client || s.o.server) << s.o.client.message();
    }
    done = true;
    reloading.join();
  });
}

}  // namespace
