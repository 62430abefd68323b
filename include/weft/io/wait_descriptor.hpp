/// \file   weft/io/wait_descriptor.hpp
/// \brief  Waiting for anybody's descriptor. Private to weft; net::wait_readable() and its kin are the public names.
#pragma once
#include <chrono>        // steady_clock
#include <system_error>  // error_code

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

/// \return false: the deadline passed, or `error` is set.
WEFT_EXPORT bool wait_descriptor(int fd, bool writable, std::chrono::steady_clock::time_point deadline,
                                 std::error_code& error);
WEFT_EXPORT bool wait_descriptor(int fd, bool writable, std::chrono::steady_clock::time_point deadline);
inline constexpr auto wait_forever = std::chrono::steady_clock::time_point::max();

}  // namespace weft::inline v0::detail
