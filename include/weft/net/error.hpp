/// \file   weft/net/error.hpp
/// \brief  Errors of the net layer that are not errno values.
#pragma once
#include <system_error>  // error_code, is_error_code_enum
#include <type_traits>   // true_type

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::net {

/// Comparable with any std::error_code of weft::net.
enum class error {
  end_of_stream = 1,  ///< the peer ended the stream before read_exactly() had everything
};

WEFT_EXPORT const std::error_category& error_category() noexcept;
/// Values are getaddrinfo's EAI_*; messages are gai_strerror's. EAI_SYSTEM never appears: its errno is reported instead.
WEFT_EXPORT const std::error_category& resolve_category() noexcept;

inline std::error_code make_error_code(error e) noexcept { return {static_cast<int>(e), error_category()}; }

}  // namespace weft::inline v0::net

template <>
struct std::is_error_code_enum<weft::net::error> : std::true_type {};
