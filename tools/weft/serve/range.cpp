// One byte range; sums that could overflow are compared instead.
#include "serve/range.hpp"

#include <limits>    // numeric_limits
#include <optional>  // optional

namespace weft::tool {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Digits only; a number too large for 64 bits becomes the largest one, which no file reaches.
std::optional<std::uint64_t> digits(std::string_view text) noexcept {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (most - digit) / 10 ? most : value * 10 + digit;
  }
  return value;
}

constexpr byte_range unsatisfiable{byte_range::kind::unsatisfiable, 0, 0};

byte_range suffix(std::uint64_t wanted, std::uint64_t size) noexcept {
  if (wanted == 0) {
    return unsatisfiable;
  }
  if (size == 0) {
    return {};  // satisfiable by the letter, but no Content-Range can say so
  }
  const auto length = wanted < size ? wanted : size;
  return {byte_range::kind::part, size - length, length};
}

}  // namespace

byte_range parse_range(std::string_view header, std::uint64_t size) noexcept {
  header = trim(header);
  const auto equals = header.find('=');
  if (equals != 5 || (header[0] | 0x20) != 'b' || (header[1] | 0x20) != 'y' || (header[2] | 0x20) != 't' ||
      (header[3] | 0x20) != 'e' || (header[4] | 0x20) != 's') {
    return {};
  }
  const auto spec = trim(header.substr(equals + 1));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) {
    return {};
  }
  const auto first_text = spec.substr(0, dash);
  const auto last_text = spec.substr(dash + 1);
  const auto last = digits(last_text);
  if (first_text.empty()) {
    return last ? suffix(*last, size) : byte_range{};
  }
  const auto first = digits(first_text);
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) {
    return {};
  }
  if (*first >= size) {
    return unsatisfiable;
  }
  const auto end = last && *last < size - 1 ? *last : size - 1;
  return {byte_range::kind::part, *first, end - *first + 1};
}

}  // namespace weft::tool
