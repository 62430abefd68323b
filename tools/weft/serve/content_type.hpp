// The media type of a file, by the extension of its name.
#pragma once
#include <string_view>  // string_view

namespace weft::tool {

// Never empty: what is unknown is application/octet-stream, which no browser runs.
std::string_view content_type(std::string_view path) noexcept;

}  // namespace weft::tool
