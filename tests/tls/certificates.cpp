// Certificates made while the tests run.
#include "tls/certificates.hpp"

#include <atomic>     // atomic
#include <stdexcept>  // runtime_error

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace weft_test {
namespace {

void must(bool good) {
  if (!good) throw std::runtime_error(std::string("certificate: ") + ERR_reason_error_string(ERR_peek_last_error()));
}

std::shared_ptr<EVP_PKEY> new_key(bool rsa = false) {
  EVP_PKEY* const made = rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
                             : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  must(key != nullptr);
  return key;
}

std::string text_of(BIO* bio) {
  char* first = nullptr;
  const long size = BIO_get_mem_data(bio, &first);
  return {first, static_cast<std::size_t>(size)};
}
std::string pem_of(X509& certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  must(PEM_write_bio_X509(out.get(), &certificate) == 1);
  return text_of(out.get());
}
std::string pem_of(EVP_PKEY& key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  must(PEM_write_bio_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(out.get());
}

void extend(X509& certificate, X509& issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  must(extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// Not signed yet, and without extensions.
std::shared_ptr<X509> blank(const certificate_request& wanted, EVP_PKEY& key) {
  static std::atomic<long> serial{1};
  std::shared_ptr<X509> made(X509_new(), X509_free);
  must(made != nullptr);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), wanted.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wanted.valid_until_s);
  X509_set_pubkey(made.get(), &key);
  X509_NAME* const name = X509_get_subject_name(made.get());
  const auto add = [&](const char* field, const std::string& value) {
    must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1);
  };
  for (int left = wanted.padding; left > 0; left -= 60) add("O", std::string(60, 'x'));
  add("CN", wanted.name);
  return made;
}

std::shared_ptr<X509> signed_authority(const std::string& name, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuer_key) {
  auto made = blank({.name = name}, key);
  X509& by = issuer == nullptr ? *made : *issuer;
  X509_set_issuer_name(made.get(), X509_get_subject_name(&by));
  extend(*made, by, NID_basic_constraints, "critical,CA:TRUE");
  extend(*made, by, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(*made, by, NID_subject_key_identifier, "hash");
  must(X509_sign(made.get(), &issuer_key, EVP_sha256()) > 0);
  return made;
}

}  // namespace

authority::authority(const std::string& name) : key_(new_key()) {
  certificate_ = signed_authority(name, *key_, nullptr, *key_);
  pem_ = pem_of(*certificate_);
}

authority authority::intermediate(const std::string& name) const {
  authority made = *this;
  made.key_ = new_key();
  made.certificate_ = signed_authority(name, *made.key_, certificate_.get(), *key_);
  made.pem_ = pem_of(*made.certificate_);
  made.chain_ = made.pem_ + chain_;
  return made;
}

weft::tls::identity authority::issue(const certificate_request& wanted) const {
  const auto key = new_key(wanted.rsa);
  const auto made = blank(wanted, *key);
  X509& issuer = wanted.self_signed ? *made : *certificate_;
  X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer));
  std::string alternatives;
  for (const auto& a : wanted.alternatives) alternatives += (alternatives.empty() ? "" : ",") + a;
  if (!alternatives.empty()) extend(*made, issuer, NID_subject_alt_name, alternatives);
  extend(*made, issuer, NID_ext_key_usage, wanted.for_client ? "clientAuth" : "serverAuth");
  must(X509_sign(made.get(), wanted.self_signed ? key.get() : key_.get(), EVP_sha256()) > 0);
  return {.certificate_chain = pem_of(*made) + (wanted.self_signed ? "" : chain_), .private_key = pem_of(*key)};
}

weft::tls::identity encrypted(weft::tls::identity own, const std::string& password) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(own.private_key.data(), -1), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr);
  must(key != nullptr && PEM_write_bio_PrivateKey(out.get(), key, EVP_aes_128_cbc(),
                                                  reinterpret_cast<const unsigned char*>(password.data()),
                                                  static_cast<int>(password.size()), nullptr, nullptr) == 1);
  EVP_PKEY_free(key);
  own.private_key = text_of(out.get());
  own.password = password;
  return own;
}

const authority& common_authority() {
  static const authority one;
  return one;
}

}  // namespace weft_test
