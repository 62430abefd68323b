// Settings that cannot be: each says what is wrong with it.
#include <cstdlib>  // mkdtemp
#include <fstream>  // ofstream
#include <string>   // string

#include <unistd.h>  // unlink, rmdir

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tls/pairs.hpp"

namespace {

using namespace weft_test;

std::error_code server_error(const tls::server_settings& settings) {
  std::error_code error;
  const tls::context made = tls::context::server(settings, error);
  EXPECT_EQ(static_cast<bool>(made), !error);
  EXPECT_EQ(ERR_peek_error(), 0U);
  return error;
}
std::error_code client_error(const tls::client_settings& settings) {
  std::error_code error;
  const tls::context made = tls::context::client(settings, error);
  EXPECT_EQ(static_cast<bool>(made), !error);
  EXPECT_EQ(ERR_peek_error(), 0U);
  return error;
}

TEST(TlsContext, TextThatIsNoPemIsRefused) {
  const tls::identity good = common_authority().issue();
  EXPECT_EQ(server_error(showing({})), tls::error::no_certificate);
  EXPECT_EQ(server_error(showing({.certificate_chain = "nonsense", .private_key = good.private_key})),
            tls::error::no_certificate);
  EXPECT_EQ(server_error(showing({.certificate_chain = good.certificate_chain, .private_key = ""})),
            tls::error::no_private_key);
  EXPECT_EQ(server_error(showing({.certificate_chain = good.certificate_chain, .private_key = "nonsense"})),
            tls::error::no_private_key);
  auto client = trusting(common_authority());
  client.trust = "nonsense";
  EXPECT_EQ(client_error(client), tls::error::no_certificate);
}

TEST(TlsContext, ADamagedCertificateIsRefusedWhereverItStands) {
  const tls::identity good = common_authority().issue();
  std::string damaged = good.certificate_chain;
  damaged[damaged.find('\n', 30) + 10] = '!';
  for (const auto& chain : {damaged, good.certificate_chain + damaged}) {
    const auto error = server_error(showing({.certificate_chain = chain, .private_key = good.private_key}));
    EXPECT_EQ(error.category(), tls::openssl_category()) << error.message();
  }
  auto client = trusting(common_authority());
  client.trust += damaged;
  EXPECT_EQ(client_error(client).category(), tls::openssl_category());
}

TEST(TlsContext, AKeyThatDoesNotFitIsRefused) {
  tls::identity own = common_authority().issue();
  own.private_key = common_authority().issue().private_key;
  EXPECT_EQ(server_error(showing(own)), tls::error::no_private_key);
}

TEST(TlsContext, AnEncryptedKeyNeedsItsPasswordAndNobodyIsAsked) {
  const tls::identity own = encrypted(common_authority().issue(), "secret");
  EXPECT_NE(own.private_key.find("ENCRYPTED"), std::string::npos);
  EXPECT_FALSE(server_error(showing(own))) << server_error(showing(own)).message();
  for (const std::string& password : {std::string(), std::string("wrong"), std::string(5000, 'x')}) {
    tls::identity guess = own;
    guess.password = password;
    EXPECT_TRUE(server_error(showing(guess)));
  }
}

TEST(TlsContext, ImpossibleSettingsAreRefused) {
  auto client = trusting(common_authority());
  client.minimum = tls::protocol_version::tls1_3;
  client.maximum = tls::protocol_version::tls1_2;
  EXPECT_EQ(client_error(client), std::errc::invalid_argument);
  for (const std::string& name : {std::string(), std::string(256, 'x')}) {
    client = trusting(common_authority());
    client.alpn = {"h2", name};
    EXPECT_EQ(client_error(client), std::errc::invalid_argument);
  }
  try {
    tls::context::server(showing({}));
    ADD_FAILURE();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), tls::error::no_certificate);
    EXPECT_NE(std::string(e.what()).find("tls::context::server"), std::string::npos);
  }
}

TEST(TlsContext, FilesAreReadWholeOrTheSystemsErrorIsTold) {
  char folder[] = "/tmp/weft-tls-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/trust.pem";
  std::string many;
  for (int i = 0; i < 5; ++i) many += common_authority().pem();
  std::ofstream(path) << many;
  EXPECT_EQ(tls::read_pem_file(path), many);
  EXPECT_EQ(::unlink(path.c_str()), 0);
  std::error_code error;
  EXPECT_EQ(tls::read_pem_file(path, error), "");
  EXPECT_EQ(error, std::errc::no_such_file_or_directory) << error.message();
  EXPECT_EQ(tls::read_pem_file(folder, error), "");
  EXPECT_EQ(error, std::errc::is_a_directory) << error.message();
  EXPECT_THROW(tls::read_pem_file(path), std::system_error);
  EXPECT_EQ(::rmdir(folder), 0);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(TlsErrors, HaveTexts) {
  for (int value = 1; value <= 5; ++value) EXPECT_NE(tls::error_category().message(value), "unknown error");
  EXPECT_EQ(tls::error_category().message(99), "unknown error");
  EXPECT_NE(tls::openssl_category().message(ERR_PACK(ERR_LIB_SSL, 0, 0x7ffff)).find("reason"), std::string::npos);
  EXPECT_NE(tls::openssl_category().message(ERR_PACK(200, 0, 5)).find("200"), std::string::npos);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
