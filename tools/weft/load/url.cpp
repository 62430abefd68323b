// http URLs; nothing else can be loaded, so nothing else is understood.
#include "load/url.hpp"

#include <algorithm>     // all_of, min
#include <charconv>      // from_chars
#include <cstdint>       // uint16_t
#include <system_error>  // errc

namespace weft::tool {
namespace {

bool is_port(std::string_view text) noexcept {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value != 0;
}

// What may stand in a request line as it is.
bool is_visible(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<http_url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme) || !is_visible(text)) {
    return std::nullopt;
  }
  text.remove_prefix(scheme.size());
  text = text.substr(0, text.find('#'));
  const auto end = std::min(text.find_first_of("/?"), text.size());
  const auto authority = text.substr(0, end);
  const auto rest = text.substr(end);
  http_url out;
  out.authority = authority;
  out.target = rest.starts_with('/') ? std::string{rest} : "/" + std::string{rest};
  std::string_view host = authority;
  std::string_view port = "80";
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty() || host.find_first_of("@[]") != std::string_view::npos || !is_port(port)) {
    return std::nullopt;
  }
  out.host = host;
  out.port = port;
  return out;
}

}  // namespace weft::tool
