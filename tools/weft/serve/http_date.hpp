// Dates as HTTP writes and reads them; always UTC, no locale, no time zone database.
#pragma once
#include <ctime>        // time_t
#include <optional>     // optional
#include <string>       // string
#include <string_view>  // string_view

namespace weft::tool {

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t at);

// The three forms RFC 9110 asks a recipient to understand. Nullopt: none of them, or no such day.
std::optional<std::time_t> parse_http_date(std::string_view text) noexcept;

// "06/Nov/1994:08:49:37 +0000", the form of access logs.
std::string log_date(std::time_t at);

}  // namespace weft::tool
