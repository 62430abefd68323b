// Whom a client trusts, whom a server trusts, and what both are told when they do not.
#include <string>  // string

#include <gtest/gtest.h>
#include <openssl/x509.h>  // X509_V_ERR_*

#include "tls/pairs.hpp"

namespace {

using namespace weft_test;

outcomes try_certificate(const tls::identity& own, const tls::client_settings& settings,
                         const tls::stream_options& options) {
  outcomes o;
  weft::run(workers(1), [&] {
    tls_pair p = pair_in_memory(connected_in_memory(), tls::context::client(settings),
                                tls::context::server(showing(own)), options);
    o = shake_hands(p);
    if (!o.client) {
      send_text(p.client, "hello");
      EXPECT_EQ(receive_text(p.server, 5), "hello");
    }
  });
  return o;
}
outcomes try_certificate(const certificate_request& wanted, const tls::stream_options& options) {
  return try_certificate(common_authority().issue(wanted), trusting(common_authority()), options);
}

void expect_refused(const outcomes& o, int reason, const std::string& text) {
  EXPECT_EQ(o.client, std::error_code(reason, tls::verify_category())) << o.client.message();
  EXPECT_EQ(o.client.message(), "certificate verify failed: " + text);
  EXPECT_EQ(o.server.category(), tls::openssl_category()) << o.server.message();  // by an alert
  EXPECT_NE(o.server.message().find("alert"), std::string::npos) << o.server.message();
}

TEST(TlsVerification, AGoodCertificateIsTaken) {
  const outcomes o = try_certificate({}, {.host = "localhost"});
  EXPECT_FALSE(o.client) << o.client.message();
  EXPECT_FALSE(o.server) << o.server.message();
}

TEST(TlsVerification, AnExpiredOneIsRefused) {
  expect_refused(try_certificate({.valid_from_s = -7200, .valid_until_s = -3600}, {.host = "localhost"}),
                 X509_V_ERR_CERT_HAS_EXPIRED, "certificate has expired");
}

TEST(TlsVerification, OneThatIsNotYetValidIsRefused) {
  expect_refused(try_certificate({.valid_from_s = 3600, .valid_until_s = 7200}, {.host = "localhost"}),
                 X509_V_ERR_CERT_NOT_YET_VALID, "certificate is not yet valid");
}

TEST(TlsVerification, OneForAnotherHostIsRefused) {
  expect_refused(try_certificate({}, {.host = "example.org"}), X509_V_ERR_HOSTNAME_MISMATCH, "hostname mismatch");
}

TEST(TlsVerification, AnAddressIsCheckedAsAnAddress) {
  EXPECT_FALSE(try_certificate({}, {.host = "127.0.0.1"}).client);
  expect_refused(try_certificate({}, {.host = "127.0.0.2"}), X509_V_ERR_IP_ADDRESS_MISMATCH, "IP address mismatch");
  expect_refused(try_certificate({.alternatives = {"DNS:127.0.0.1"}}, {.host = "127.0.0.1"}),
                 X509_V_ERR_IP_ADDRESS_MISMATCH, "IP address mismatch");
  EXPECT_FALSE(try_certificate({.alternatives = {"IP:::1"}}, {.host = "::1"}).client);
}

TEST(TlsVerification, WildcardsStandForOneWholeLabel) {
  const certificate_request wild{.alternatives = {"DNS:*.example.org"}};
  EXPECT_FALSE(try_certificate(wild, {.host = "www.example.org"}).client);
  EXPECT_FALSE(try_certificate(wild, {.host = "www.example.org."}).client) << "the root's dot belongs to no name";
  EXPECT_TRUE(try_certificate(wild, {.host = "a.b.example.org"}).client);
  EXPECT_TRUE(try_certificate(wild, {.host = "example.org"}).client);
  EXPECT_TRUE(try_certificate({.alternatives = {"DNS:w*.example.org"}}, {.host = "www.example.org"}).client);
}

TEST(TlsVerification, ASelfSignedOneIsRefusedUnlessItIsTrustedItself) {
  const certificate_request alone{.self_signed = true};
  expect_refused(try_certificate(alone, {.host = "localhost"}), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                 "self-signed certificate");
  const tls::identity own = common_authority().issue(alone);
  tls::client_settings settings{.system_trust = false, .trust = own.certificate_chain, .own = {}, .alpn = {}};
  EXPECT_FALSE(try_certificate(own, settings, {.host = "localhost"}).client);
}

TEST(TlsVerification, OneOfAnUnknownAuthorityIsRefused) {
  const authority stranger("a stranger");
  const outcomes o = try_certificate(stranger.issue(), trusting(common_authority()), {.host = "localhost"});
  expect_refused(o, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unable to get local issuer certificate");
}

TEST(TlsVerification, TheSystemsTrustDoesNotContainTheTests) {
  tls::client_settings system{.own = {}, .alpn = {}};
  EXPECT_TRUE(try_certificate(common_authority().issue(), system, {.host = "localhost"}).client);
  system.trust = common_authority().pem();
  EXPECT_FALSE(try_certificate(common_authority().issue(), system, {.host = "localhost"}).client);
}

TEST(TlsVerification, AChainIsFollowedThroughAnIntermediateAuthority) {
  const authority root("a root"), middle = root.intermediate("an intermediate");
  tls::identity own = middle.issue();
  EXPECT_FALSE(try_certificate(own, trusting(root), {.host = "localhost"}).client);
  own.certificate_chain.resize(own.certificate_chain.find("-----BEGIN", 1));  // the leaf alone
  EXPECT_TRUE(try_certificate(own, trusting(root), {.host = "localhost"}).client);
}

TEST(TlsVerification, AClientsCertificateDoesNotServe) {
  expect_refused(try_certificate({.for_client = true}, {.host = "localhost"}), X509_V_ERR_INVALID_PURPOSE,
                 "unsuitable certificate purpose");
}

TEST(TlsVerification, ItIsLeftOutWhereThatIsSaid) {
  const authority stranger;
  tls::client_settings blind{.verify = false, .own = {}, .alpn = {}};
  EXPECT_FALSE(try_certificate(stranger.issue(), blind, {}).client);
  EXPECT_FALSE(try_certificate(common_authority().issue(), trusting(common_authority()),
                               {.host = "example.org", .check_host = false})
                   .client);
}

TEST(TlsVerification, AHostIsNotForgottenByMistake) {
  const auto code_of = [](const tls::context& context, const tls::stream_options& options) {
    try {
      const tls::stream s(memory_stream{}, context, options);
    } catch (const std::system_error& e) {
      return e.code();
    }
    return std::error_code{};
  };
  EXPECT_EQ(code_of(common_client(), {}), std::errc::invalid_argument);
  EXPECT_EQ(code_of(common_client(), {.host = "."}), std::errc::invalid_argument);
  EXPECT_EQ(code_of(common_client(), {.host = std::string_view("localhost\0.evil", 15)}), std::errc::invalid_argument);
  EXPECT_EQ(code_of(common_client(), {.host = std::string(300, 'a')}), std::errc::invalid_argument);
  EXPECT_EQ(code_of(tls::context(), {.host = "localhost"}), std::errc::invalid_argument);
  EXPECT_EQ(code_of(common_client(), {.check_host = false}), std::error_code{});
  EXPECT_EQ(code_of(common_server(), {}), std::error_code{});
}

// ---- clients' certificates -------------------------------------------------------------------------------------------

struct client_case {
  outcomes shaken;
  std::error_code read;  // the client's first: where TLS 1.3 tells it that it was refused
  std::string subject;   // as the server sees it
};

client_case try_client(tls::client_certificate wanted, const tls::identity* own,
                       tls::protocol_version version = tls::protocol_version::tls1_3) {
  client_case result;
  weft::run(workers(1), [&] {
    auto client = trusting(common_authority());
    client.maximum = version;
    if (own != nullptr) client.own = *own;
    auto server = showing(common_authority().issue());
    server.clients = wanted;
    server.trust = common_authority().pem();
    tls_pair p = pair_in_memory(connected_in_memory(), tls::context::client(client), tls::context::server(server));
    auto other = weft::spawn([&] {
      p.server.handshake(result.shaken.server);
      if (!result.shaken.server) send_text(p.server, "x");
    });
    p.client.handshake(result.shaken.client);
    std::byte one{};
    if (!result.shaken.client) p.client.read_some({&one, 1}, result.read);
    other.join();
    result.subject = p.server.peer_subject();
  });
  return result;
}

TEST(TlsClientCertificate, IsSeenByTheServerThatWantsIt) {
  const tls::identity own = common_authority().issue({.name = "somebody", .for_client = true});
  for (const auto wanted : {tls::client_certificate::requested, tls::client_certificate::required}) {
    for (const auto version : {tls::protocol_version::tls1_2, tls::protocol_version::tls1_3}) {
      const client_case c = try_client(wanted, &own, version);
      EXPECT_FALSE(c.shaken.client || c.shaken.server || c.read) << c.shaken.server.message();
      EXPECT_EQ(c.subject, "CN=somebody");
    }
  }
  EXPECT_EQ(try_client(tls::client_certificate::ignored, &own).subject, "");
}

TEST(TlsClientCertificate, ThatIsMissingMattersWhereItIsRequired) {
  EXPECT_FALSE(try_client(tls::client_certificate::requested, nullptr).shaken.server);
  const client_case c = try_client(tls::client_certificate::required, nullptr);
  EXPECT_EQ(c.shaken.server.category(), tls::openssl_category());
  EXPECT_EQ(c.shaken.server.message(), "peer did not return a certificate");
  EXPECT_EQ(c.read.message(), "tlsv13 alert certificate required");
}

TEST(TlsClientCertificate, OfAStrangerIsRefused) {
  const authority stranger("a stranger");
  const tls::identity own = stranger.issue({.for_client = true});
  for (const auto wanted : {tls::client_certificate::requested, tls::client_certificate::required}) {
    const client_case c = try_client(wanted, &own);
    EXPECT_EQ(c.shaken.server, std::error_code(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, tls::verify_category()))
        << c.shaken.server.message();
    EXPECT_EQ(c.read.message(), "tlsv1 alert unknown ca");
  }
}

}  // namespace
