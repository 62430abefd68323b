// HTTP dates on top of the standard calendar.
#include "serve/http_date.hpp"

#include <array>   // array
#include <chrono>  // year_month_day, sys_days, weekday, hh_mm_ss
#include <cstdio>  // snprintf

namespace weft::tool {
namespace {

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct parts {
  int year;
  unsigned month, day, weekday;  // month and day from 1, weekday from Sunday = 0
  int hour, minute, second;
};

parts split(std::time_t at) noexcept {
  const std::chrono::sys_seconds when{std::chrono::seconds{at}};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{when - day};
  return {static_cast<int>(date.year()),           static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),       std::chrono::weekday{day}.c_encoding(),
          static_cast<int>(time.hours().count()),  static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count())};
}

// Takes from the front of `text`; every step of a failed parse is a no-op.
struct reader {
  std::string_view text;
  bool ok = true;

  void literal(std::string_view expected) noexcept {
    ok = ok && text.starts_with(expected);
    text.remove_prefix(ok ? expected.size() : 0);
  }
  int number(std::size_t digits) noexcept {
    ok = ok && text.size() >= digits;
    int value = 0;
    for (std::size_t i = 0; ok && i < digits; ++i) {
      ok = text[i] >= '0' && text[i] <= '9';
      value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(ok ? digits : 0);
    return value;
  }
  template <std::size_t N>
  unsigned name(const std::array<std::string_view, N>& names) noexcept {
    for (unsigned i = 0; ok && i < N; ++i) {
      if (text.starts_with(names[i])) {
        text.remove_prefix(names[i].size());
        return i;
      }
    }
    ok = false;
    return 0;
  }
  void clock(parts& out) noexcept {
    out.hour = number(2);
    literal(":");
    out.minute = number(2);
    literal(":");
    out.second = number(2);
  }
};

std::optional<std::time_t> join(const parts& p) noexcept {
  const std::chrono::year_month_day date{std::chrono::year{p.year}, std::chrono::month{p.month},
                                         std::chrono::day{p.day}};
  if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) {
    return std::nullopt;
  }
  const auto at = std::chrono::sys_days{date} + std::chrono::hours{p.hour} + std::chrono::minutes{p.minute} +
                  std::chrono::seconds{p.second};
  return static_cast<std::time_t>(std::chrono::sys_seconds{at}.time_since_epoch().count());
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<std::time_t> parse_fixdate(std::string_view text) noexcept {
  reader in{text};
  parts p{};
  in.name(days);
  in.literal(", ");
  p.day = static_cast<unsigned>(in.number(2));
  in.literal(" ");
  p.month = in.name(months) + 1;
  in.literal(" ");
  p.year = in.number(4);
  in.literal(" ");
  in.clock(p);
  in.literal(" GMT");
  return in.ok && in.text.empty() ? join(p) : std::nullopt;
}

// Sunday, 06-Nov-94 08:49:37 GMT; RFC 9110 reads a year more than 50 years ahead as one of the past century, which for
// file times means: 70-99 are 19xx.
std::optional<std::time_t> parse_rfc850(std::string_view text) noexcept {
  const auto comma = text.find(", ");
  if (comma == std::string_view::npos) {
    return std::nullopt;
  }
  reader in{text.substr(comma + 2)};
  parts p{};
  p.day = static_cast<unsigned>(in.number(2));
  in.literal("-");
  p.month = in.name(months) + 1;
  in.literal("-");
  const int year = in.number(2);
  p.year = year < 70 ? 2000 + year : 1900 + year;
  in.literal(" ");
  in.clock(p);
  in.literal(" GMT");
  return in.ok && in.text.empty() ? join(p) : std::nullopt;
}

// Sun Nov  6 08:49:37 1994
std::optional<std::time_t> parse_asctime(std::string_view text) noexcept {
  reader in{text};
  parts p{};
  in.name(days);
  in.literal(" ");
  p.month = in.name(months) + 1;
  in.literal(" ");
  if (in.text.starts_with(' ')) {
    in.literal(" ");
    p.day = static_cast<unsigned>(in.number(1));
  } else {
    p.day = static_cast<unsigned>(in.number(2));
  }
  in.literal(" ");
  in.clock(p);
  in.literal(" ");
  p.year = in.number(4);
  return in.ok && in.text.empty() ? join(p) : std::nullopt;
}

}  // namespace

std::string http_date(std::time_t at) {
  const parts p = split(at);
  std::array<char, 64> out{};
  const int n = std::snprintf(out.data(), out.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", days[p.weekday].data(),
                              p.day, months[p.month - 1].data(), p.year, p.hour, p.minute, p.second);
  return {out.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

std::optional<std::time_t> parse_http_date(std::string_view text) noexcept {
  if (const auto fix = parse_fixdate(text)) {
    return fix;
  }
  if (const auto old = parse_rfc850(text)) {
    return old;
  }
  return parse_asctime(text);
}

std::string log_date(std::time_t at) {
  const parts p = split(at);
  std::array<char, 64> out{};
  const int n = std::snprintf(out.data(), out.size(), "%02u/%s/%04d:%02d:%02d:%02d +0000", p.day,
                              months[p.month - 1].data(), p.year, p.hour, p.minute, p.second);
  return {out.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

}  // namespace weft::tool
