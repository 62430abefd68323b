// Entity tags and dates compared as RFC 9110 says.
#include "serve/conditional.hpp"

#include <array>    // array
#include <cstdint>  // uint64_t
#include <cstdio>   // snprintf

#include "serve/http_date.hpp"  // parse_http_date

namespace weft::tool {
namespace {

enum class comparison { strong, weak };

void skip(std::string_view& text, std::string_view what) noexcept {
  while (!text.empty() && what.find(text.front()) != std::string_view::npos) {
    text.remove_prefix(1);
  }
}

// Does the list of tags hold `etag`? Stops at the first thing that is not a tag: what follows cannot be trusted.
bool list_has(std::string_view list, std::string_view etag, comparison how) noexcept {
  for (;;) {
    skip(list, " \t,");
    const bool weak = list.starts_with("W/");
    list.remove_prefix(weak ? 2 : 0);
    if (list.empty() || list.front() != '"') {
      return false;
    }
    const auto close = list.find('"', 1);
    if (close == std::string_view::npos) {
      return false;
    }
    if (list.substr(0, close + 1) == etag && !(weak && how == comparison::strong)) {
      return true;
    }
    list.remove_prefix(close + 1);
  }
}

bool is_any(std::string_view list) noexcept {
  skip(list, " \t");
  return list.starts_with('*') && list.find_first_not_of(" \t", 1) == std::string_view::npos;
}

}  // namespace

validators make_validators(const struct stat& st) {
  std::array<char, 80> out{};
  const auto nanoseconds =
      static_cast<std::uint64_t>(st.st_mtim.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(st.st_mtim.tv_nsec);
  const int n = std::snprintf(out.data(), out.size(), "\"%llx-%llx-%llx\"", static_cast<unsigned long long>(st.st_size),
                              static_cast<unsigned long long>(nanoseconds), static_cast<unsigned long long>(st.st_ino));
  return {std::string{out.data(), n > 0 ? static_cast<std::size_t>(n) : 0}, st.st_mtim.tv_sec};
}

verdict evaluate(const conditions& asked, const validators& current) noexcept {
  if (!asked.if_match.empty()) {
    if (!is_any(asked.if_match) && !list_has(asked.if_match, current.etag, comparison::strong)) {
      return verdict::precondition_failed;
    }
  } else if (!asked.if_unmodified_since.empty()) {
    const auto date = parse_http_date(asked.if_unmodified_since);
    if (date && current.modified > *date) {
      return verdict::precondition_failed;
    }
  }
  if (!asked.if_none_match.empty()) {
    const bool same = is_any(asked.if_none_match) || list_has(asked.if_none_match, current.etag, comparison::weak);
    return same ? verdict::not_modified : verdict::proceed;
  }
  if (!asked.if_modified_since.empty()) {
    const auto date = parse_http_date(asked.if_modified_since);
    if (date && current.modified <= *date) {
      return verdict::not_modified;
    }
  }
  return verdict::proceed;
}

bool range_allowed(std::string_view if_range, const validators& current) noexcept {
  if (if_range.empty()) {
    return true;
  }
  if (if_range.front() == '"' || if_range.starts_with("W/")) {
    return if_range == current.etag;
  }
  const auto date = parse_http_date(if_range);
  return date && *date == current.modified;
}

}  // namespace weft::tool
