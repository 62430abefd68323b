// From errno values to what the public functions report.
#pragma once
#include <system_error>  // error_code, system_error

#include <weft/base/config.hpp>  // inline namespace

namespace weft::inline v0::detail {

inline std::error_code to_error_code(int error) noexcept {
  return error == 0 ? std::error_code{} : std::error_code(error, std::system_category());
}

inline void throw_if(const std::error_code& error, const char* what) {
  if (error) {
    throw std::system_error(error, what);
  }
}

}  // namespace weft::inline v0::detail
