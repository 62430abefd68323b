/// \file   weft/io/end_of_file.hpp
/// \brief  The one error of files, pipes and standard streams that is no errno value.
#pragma once
#include <system_error>  // error_code, is_error_code_enum
#include <type_traits>   // true_type

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::fs {

/// Comparable with any std::error_code of files, pipes and standard streams.
enum class error {
  end_of_file = 1,  ///< the file or stream ended before read_exactly() had everything
};

WEFT_EXPORT const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(error e) noexcept { return {static_cast<int>(e), error_category()}; }

}  // namespace weft::inline v0::fs

template <>
struct std::is_error_code_enum<weft::fs::error> : std::true_type {};
