// PEM text into OpenSSL's objects.
#include "tls/pem.hpp"

#include <algorithm>  // copy_n
#include <climits>    // INT_MAX

#include <openssl/pem.h>  // PEM_read_bio_*

#include "tls/openssl_section.hpp"

namespace weft::inline v0 {
namespace detail {
namespace {

openssl_ptr<BIO> reader_of(const std::string& text) noexcept {
  const std::size_t size = text.size() < INT_MAX ? text.size() : INT_MAX;
  return openssl_ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(size)));
}

// Instead of OpenSSL's own, which asks at the terminal.
int give_password(char* buffer, int size, int, void* identity) noexcept {
  const std::string& password = static_cast<const tls::identity*>(identity)->password;
  if (password.empty() || password.size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::copy_n(password.data(), password.size(), buffer);
  return static_cast<int>(password.size());
}
int give_none(char*, int, int, void*) noexcept { return -1; }

// The next certificate. Null: no more (then `error` is clear), or it cannot be read.
openssl_ptr<X509> next_certificate(BIO* in, std::error_code& error) noexcept {
  openssl_ptr<X509> found(PEM_read_bio_X509(in, nullptr, give_none, nullptr));
  error.clear();
  if (found == nullptr) {
    const unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) error = openssl_error();
    ERR_clear_error();
  }
  return found;
}

std::error_code use_key(SSL_CTX& ctx, const tls::identity& own) noexcept {
  const auto in = reader_of(own.private_key);
  if (in == nullptr) return openssl_error();
  // The callback only reads it.
  void* const password = const_cast<tls::identity*>(&own);
  const openssl_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, give_password, password));
  if (key == nullptr) {
    const unsigned long code = ERR_peek_last_error();
    const bool none = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    const bool undecodable = ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER;
    return none || undecodable ? make_error_code(tls::error::no_private_key) : openssl_error();
  }
  if (SSL_CTX_use_PrivateKey(&ctx, key.get()) != 1 || SSL_CTX_check_private_key(&ctx) != 1) {
    return tls::error::no_private_key;
  }
  return {};
}

}  // namespace

std::error_code add_trust(SSL_CTX& ctx, const std::string& pem, bool tell_clients) noexcept {
  const auto in = reader_of(pem);
  if (in == nullptr) return openssl_error();
  std::error_code error;
  int count = 0;
  while (const auto certificate = next_certificate(in.get(), error)) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&ctx), certificate.get()) != 1 ||
        (tell_clients && SSL_CTX_add_client_CA(&ctx, certificate.get()) != 1)) {
      return openssl_error();
    }
    ++count;
  }
  return error || count > 0 ? error : make_error_code(tls::error::no_certificate);
}

std::error_code use_identity(SSL_CTX& ctx, const tls::identity& own) noexcept {
  const auto in = reader_of(own.certificate_chain);
  if (in == nullptr) return openssl_error();
  std::error_code error;
  const auto leaf = next_certificate(in.get(), error);
  if (leaf == nullptr) return error ? error : make_error_code(tls::error::no_certificate);
  if (SSL_CTX_use_certificate(&ctx, leaf.get()) != 1) return openssl_error();
  while (const auto intermediate = next_certificate(in.get(), error)) {
    if (SSL_CTX_add1_chain_cert(&ctx, intermediate.get()) != 1) return openssl_error();
  }
  return error ? error : use_key(ctx, own);
}

}  // namespace detail

namespace tls {

std::string read_pem_file(const std::string& path, std::error_code& error) {
  error.clear();
  std::string text;
  const detail::openssl_section section;
  const detail::openssl_ptr<BIO> file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) {
    error = detail::openssl_error();
    return text;
  }
  char piece[1024];
  for (int got = 0; (got = BIO_read(file.get(), piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(got));
  }
  if (ERR_peek_error() != 0) {  // as of a directory
    error = detail::openssl_error();
    text.clear();
  }
  return text;
}

std::string read_pem_file(const std::string& path) {
  std::error_code error;
  std::string text = read_pem_file(path, error);
  if (error) throw std::system_error(error, "tls::read_pem_file " + path);
  return text;
}

}  // namespace tls
}  // namespace weft::inline v0
