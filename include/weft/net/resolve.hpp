/// \file   weft/net/resolve.hpp
/// \brief  Names to endpoints.
#pragma once
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <vector>        // vector

#include <weft/base/config.hpp>   // WEFT_EXPORT
#include <weft/net/endpoint.hpp>  // endpoint
#include <weft/net/error.hpp>     // resolve_category

namespace weft::inline v0::net {

/// The TCP endpoints of a host and a service (a name or a port number), in the order in which they should be tried.
/// getaddrinfo on the blocking pool: a fiber parks, and a look-up that has started cannot be cut short.
/// A cancellation point before it starts. Threads: any. Linked with weft::dns: c-ares, which occupies no thread while it
/// waits and can be stopped at any time.
/// \throws std::system_error with codes of resolve_category() (unknown name, as is any with a zero byte in it, ...) or of
///         the system.
WEFT_EXPORT std::vector<endpoint> resolve(std::string_view host, std::string_view service);
WEFT_EXPORT std::vector<endpoint> resolve(std::string_view host, std::string_view service, std::error_code& error);

}  // namespace weft::inline v0::net
