// Durations and sizes: one number, one unit, nothing else.
#include "common/units.hpp"

#include <charconv>      // from_chars
#include <system_error>  // errc

namespace weft::tool {
namespace {

struct quantity {
  std::uint64_t number;
  std::string_view unit;
};

std::optional<quantity> split(std::string_view text) noexcept {
  quantity out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  out.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return out;
}

// Null when the product would pass `most`.
std::optional<std::uint64_t> scaled(std::uint64_t number, std::uint64_t factor, std::uint64_t most) noexcept {
  if (number > most / factor) {
    return std::nullopt;
  }
  return number * factor;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  const auto parts = split(text);
  if (!parts) {
    return std::nullopt;
  }
  std::uint64_t factor = 0;
  if (parts->unit == "ms") {
    factor = 1;
  } else if (parts->unit == "s" || parts->unit.empty()) {
    factor = 1000;
  } else if (parts->unit == "m") {
    factor = 60'000;
  } else if (parts->unit == "h") {
    factor = 3'600'000;
  } else {
    return std::nullopt;
  }
  // A year is far above any sensible limit and far below what overflows a deadline in nanoseconds.
  constexpr std::uint64_t year_ms = 365ULL * 24 * 3'600'000;
  const auto value = scaled(parts->number, factor, year_ms);
  if (!value) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  const auto parts = split(text);
  if (!parts || parts->unit.size() > 1) {
    return std::nullopt;
  }
  std::uint64_t factor = 1;
  if (!parts->unit.empty()) {
    switch (parts->unit.front()) {
      case 'k':
      case 'K':
        factor = 1ULL << 10;
        break;
      case 'm':
      case 'M':
        factor = 1ULL << 20;
        break;
      case 'g':
      case 'G':
        factor = 1ULL << 30;
        break;
      default:
        return std::nullopt;
    }
  }
  return scaled(parts->number, factor, 1ULL << 50);
}

}  // namespace weft::tool
