// The error categories of TLS.
#include <weft/tls/error.hpp>

#include <string>  // string

#include <openssl/x509.h>  // X509_verify_cert_error_string

#include "tls/openssl_section.hpp"

namespace weft::inline v0::tls {
namespace {

class tls_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.tls"; }
  std::string message(int value) const override {
    switch (static_cast<error>(value)) {
      case error::truncated:
        return "the connection ended without close_notify";
      case error::interrupted:
        return "an earlier operation ended half-way";
      case error::no_handshake:
        return "no handshake yet";
      case error::no_certificate:
        return "no certificate in the PEM text";
      case error::no_private_key:
        return "no private key in the PEM text that fits the certificate";
    }
    return "unknown error";
  }
};

class reason_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.openssl"; }
  std::string message(int value) const override {
    const detail::openssl_section section;  // loads the texts at first
    const auto code = static_cast<unsigned long>(static_cast<unsigned>(value));
    if (const char* const text = ERR_reason_error_string(code)) return text;
    const char* const library = ERR_lib_error_string(code);
    return std::string(library == nullptr ? "library " + std::to_string(ERR_GET_LIB(code)) : library) + ": reason " +
           std::to_string(ERR_GET_REASON(code));
  }
};

class refusal_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.tls.verify"; }
  std::string message(int value) const override {
    return std::string("certificate verify failed: ") + X509_verify_cert_error_string(value);
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const tls_category category;
  return category;
}

const std::error_category& openssl_category() noexcept {
  static const reason_category category;
  return category;
}

const std::error_category& verify_category() noexcept {
  static const refusal_category category;
  return category;
}

}  // namespace weft::inline v0::tls

namespace weft::inline v0::detail {

std::error_code openssl_error() noexcept {
  unsigned long code = ERR_get_error();
  for (unsigned long next = code; next != 0 && ERR_GET_LIB(code) != ERR_LIB_SSL; next = ERR_get_error()) {
    if (ERR_GET_LIB(next) == ERR_LIB_SSL) code = next;
  }
  if (code == 0 || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  if (ERR_SYSTEM_ERROR(code)) {
    return {ERR_GET_REASON(code), std::system_category()};
  }
  return {static_cast<int>(code), tls::openssl_category()};
}

std::error_code verify_error(long result) noexcept { return {static_cast<int>(result), tls::verify_category()}; }

}  // namespace weft::inline v0::detail
