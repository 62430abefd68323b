// From a request target to a path below the served folder. The one idea: decode once, refuse what is ambiguous, and let
// the kernel (root_directory) have the last word; this file never touches the file system.
#pragma once
#include <optional>     // optional
#include <string>       // string
#include <string_view>  // string_view

namespace weft::tool {

struct request_path {
  std::string relative;  // decoded segments joined by '/', no leading or trailing slash; empty: the folder itself
  bool trailing_slash = false;  // the target named a folder
  std::string query;            // with its '?', as sent; empty when there is none
};

// Accepts the origin form (/a/b?q) and the absolute form (http://host/a/b?q) of a request target. Nullopt, to be
// answered with 400: anything else, a bad percent escape, an encoded slash or NUL, a control character, a backslash, or
// a ".." segment however it is spelled. Segments "." and empty ones are dropped.
std::optional<request_path> parse_target(std::string_view target);

// The path as a URL would carry it: '/' first, every byte outside the unreserved set escaped. Slashes stay.
std::string encode_path(std::string_view relative);

// Text safe inside HTML elements and quoted attributes.
std::string escape_html(std::string_view text);

}  // namespace weft::tool
