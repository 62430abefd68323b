// Request targets: split first, decode each segment once, then judge the decoded bytes.
#include "serve/path_guard.hpp"

#include <algorithm>  // min

namespace weft::tool {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() < lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) {
      return false;
    }
  }
  return true;
}

// The absolute form names a host that is us anyway: only its path counts. Nullopt: neither form.
std::optional<std::string_view> origin_form(std::string_view target) noexcept {
  for (const std::string_view scheme : {std::string_view{"http://"}, std::string_view{"https://"}}) {
    if (starts_with_ignoring_case(target, scheme)) {
      target.remove_prefix(scheme.size());
      const auto end = target.find_first_of("/?#");
      if (end == 0) {
        return std::nullopt;  // no host
      }
      if (end == std::string_view::npos) {
        return std::string_view{"/"};
      }
      target.remove_prefix(end);
      return target.front() == '/' ? std::optional{target} : std::nullopt;
    }
  }
  if (target.empty() || target.front() != '/') {
    return std::nullopt;
  }
  return target;
}

// A decoded byte no file name may hold here. The backslash is a separator to some clients and proxies, so a name with
// one could mean two things; the slash can only come from %2F, which would move a segment boundary.
bool forbidden(unsigned char c) noexcept { return c < 0x20 || c == 0x7f || c == '\\' || c == '/'; }

std::optional<std::string> decode_segment(std::string_view segment) {
  std::string out;
  out.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    auto c = static_cast<unsigned char>(segment[i]);
    if (c == '%') {
      if (i + 2 >= segment.size()) {
        return std::nullopt;
      }
      const int high = hex_digit(segment[i + 1]);
      const int low = hex_digit(segment[i + 2]);
      if (high < 0 || low < 0) {
        return std::nullopt;
      }
      c = static_cast<unsigned char>(high * 16 + low);
      i += 2;
    }
    if (forbidden(c)) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(c));
  }
  return out;
}

}  // namespace

std::optional<request_path> parse_target(std::string_view target) {
  auto origin = origin_form(target);
  if (!origin) {
    return std::nullopt;
  }
  request_path out;
  std::string_view path = *origin;
  if (path.find('#') != std::string_view::npos) {
    return std::nullopt;  // a fragment never belongs on the wire
  }
  if (const auto question = path.find('?'); question != std::string_view::npos) {
    out.query = path.substr(question);
    path = path.substr(0, question);
  }
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    const auto segment = decode_segment(path.substr(0, end));
    path.remove_prefix(end);
    if (!segment || *segment == "..") {
      return std::nullopt;
    }
    out.trailing_slash = path.empty() && (segment->empty() || *segment == ".");
    if (segment->empty() || *segment == ".") {
      continue;
    }
    if (!out.relative.empty()) {
      out.relative += '/';
    }
    out.relative += *segment;
  }
  return out;
}

std::string encode_path(std::string_view relative) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  static constexpr std::string_view plain = "-._~/!$&'()*+,;=:@";  // RFC 3986: pchar and the slash
  std::string out = "/";
  for (const char c : relative) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (letter || (byte != 0 && plain.find(c) != std::string_view::npos)) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace weft::tool
