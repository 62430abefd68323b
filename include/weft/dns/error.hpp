/// \file   weft/dns/error.hpp
/// \brief  Errors of look-ups by c-ares.
#pragma once
#include <system_error>  // error_category

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::dns {

/// Values are ARES_E* of <ares.h>, messages are c-ares' own. Each equals the std::error_condition of net::resolve_category()
/// that getaddrinfo would report: EAI_NONAME (no such name), EAI_NODATA (no address), EAI_AGAIN (no answer in time, a server
/// that failed or refused), EAI_SERVICE, EAI_MEMORY, else EAI_FAIL. A look-up that no server answered in time equals
/// std::errc::timed_out, too.
WEFT_EXPORT const std::error_category& error_category() noexcept;

}  // namespace weft::inline v0::dns
