// The Range header: which bytes of a file a client asks for.
#pragma once
#include <cstdint>      // uint64_t
#include <string_view>  // string_view

namespace weft::tool {

struct byte_range {
  enum class kind { whole, part, unsatisfiable };
  kind what = kind::whole;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // of part
};

// Whole: no single range in bytes that can be understood. RFC 9110 lets a server ignore a Range header, and that is what
// happens to other units, bad syntax, and lists of ranges (a list answered in full cannot be used to multiply work).
byte_range parse_range(std::string_view header, std::uint64_t size) noexcept;

}  // namespace weft::tool
