// c-ares' statuses for those who expect getaddrinfo's.
#pragma once
#include <weft/base/config.hpp>  // inline namespace

namespace weft::inline v0::dns {

// The EAI_* that getaddrinfo would report for an ARES_E*.
int as_getaddrinfo(int status) noexcept;

}  // namespace weft::inline v0::dns
