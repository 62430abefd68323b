/// \file   weft/tls/error.hpp
/// \brief  Errors of TLS: weft's own, OpenSSL's reasons, and why a certificate was refused.
#pragma once
#include <system_error>  // error_code, is_error_code_enum
#include <type_traits>   // true_type

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::tls {

/// Comparable with any std::error_code of weft::tls.
enum class error {
  truncated = 1,   ///< the connection ended without the peer's close_notify: somebody may have cut it short
  interrupted,     ///< an earlier handshake or write failed, timed out or was stopped half-way: nothing can follow it
  no_handshake,    ///< reading, writing or shutting down before handshake()
  no_certificate,  ///< PEM text without a certificate where one is needed
  no_private_key,  ///< PEM text without a private key, or with one that does not fit its certificate
};

WEFT_EXPORT const std::error_category& error_category() noexcept;
/// Values are OpenSSL's packed error codes (library and reason); messages are its reason texts, such as
/// "wrong version number" or "tlsv13 alert certificate required".
WEFT_EXPORT const std::error_category& openssl_category() noexcept;
/// Values are OpenSSL's X509_V_ERR_*; messages are such as "certificate verify failed: certificate has expired".
/// Whoever refuses the certificate gets these; the peer gets an alert, a code of openssl_category().
WEFT_EXPORT const std::error_category& verify_category() noexcept;

inline std::error_code make_error_code(error e) noexcept { return {static_cast<int>(e), error_category()}; }

}  // namespace weft::inline v0::tls

template <>
struct std::is_error_code_enum<weft::tls::error> : std::true_type {};
