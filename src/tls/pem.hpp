// PEM text into OpenSSL's objects. Only inside of an openssl_section.
#pragma once
#include <string>        // string
#include <system_error>  // error_code

#include "tls/handles.hpp"
#include <weft/tls/context.hpp>  // identity

namespace weft::inline v0::detail {

// Certificates to trust, and, for servers, whose names clients are told.
std::error_code add_trust(SSL_CTX& ctx, const std::string& pem, bool tell_clients) noexcept;
// Our certificate, its chain and its key.
std::error_code use_identity(SSL_CTX& ctx, const tls::identity& own) noexcept;

}  // namespace weft::inline v0::detail
