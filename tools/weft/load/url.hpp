// The URL that is put under load.
#pragma once
#include <optional>     // optional
#include <string>       // string
#include <string_view>  // string_view

namespace weft::tool {

struct http_url {
  std::string host;       // without brackets
  std::string port;       // digits
  std::string authority;  // as the Host field wants it
  std::string target;     // path and query, '/' first
};

// Nullopt: not http://host[:port][/path]. A fragment is dropped; user names are refused.
std::optional<http_url> parse_url(std::string_view text);

}  // namespace weft::tool
