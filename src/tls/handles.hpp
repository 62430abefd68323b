// Owners of OpenSSL's objects.
#pragma once
#include <memory>  // unique_ptr

#include <openssl/asn1.h>  // ASN1_OCTET_STRING
#include <openssl/bio.h>   // BIO
#include <openssl/evp.h>   // EVP_PKEY
#include <openssl/ssl.h>   // SSL, SSL_CTX, SSL_SESSION
#include <openssl/x509.h>  // X509

#include <weft/base/config.hpp>

namespace weft::inline v0::detail {

struct openssl_deleter {
  void operator()(ASN1_OCTET_STRING* p) const noexcept { ASN1_OCTET_STRING_free(p); }
  void operator()(BIO* p) const noexcept { BIO_free(p); }
  void operator()(BIO_METHOD* p) const noexcept { BIO_meth_free(p); }
  void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
  void operator()(SSL* p) const noexcept { SSL_free(p); }
  void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
  void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
  void operator()(X509* p) const noexcept { X509_free(p); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_deleter>;

}  // namespace weft::inline v0::detail
