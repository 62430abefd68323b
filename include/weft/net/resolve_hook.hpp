/// \file   weft/net/resolve_hook.hpp
/// \brief  What net::resolve asks, in place of getaddrinfo: for resolvers of other libraries. weft::dns installs itself here.
#pragma once
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <vector>        // vector

#include <weft/base/config.hpp>   // WEFT_EXPORT
#include <weft/net/endpoint.hpp>  // endpoint

namespace weft::inline v0::net {

/// What resolve(host, service, error) does: the TCP endpoints in the order in which they should be tried, or none and an
/// error, whose code is of resolve_category() or of the system. Called by fibers and plain threads, many at a time; must
/// be a cancellation point, and must not block a fiber's thread. Neither text contains a zero byte. `error` is clear.
using resolve_function = std::vector<endpoint> (*)(std::string_view host, std::string_view service,
                                                   std::error_code& error);

/// From now on resolve() asks `function`; null: getaddrinfo, as in the beginning. \return what it has asked until now.
/// Any thread; look-ups under way are not affected, so what a function needs must stay.
WEFT_EXPORT resolve_function set_resolve_function(resolve_function function) noexcept;
/// Null: getaddrinfo.
[[nodiscard]] WEFT_EXPORT resolve_function current_resolve_function() noexcept;

}  // namespace weft::inline v0::net
