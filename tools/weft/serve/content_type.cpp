// A sorted table, looked up by binary search; extensions are compared in lower case.
#include "serve/content_type.hpp"

#include <algorithm>  // is_sorted, lower_bound, transform
#include <array>      // array

namespace weft::tool {
namespace {

struct row {
  std::string_view extension;
  std::string_view type;
};

constexpr std::array table{
    row{"7z", "application/x-7z-compressed"},
    row{"aac", "audio/aac"},
    row{"apng", "image/apng"},
    row{"avi", "video/x-msvideo"},
    row{"avif", "image/avif"},
    row{"bmp", "image/bmp"},
    row{"br", "application/x-brotli"},
    row{"bz2", "application/x-bzip2"},
    row{"c", "text/plain; charset=utf-8"},
    row{"cc", "text/plain; charset=utf-8"},
    row{"cpp", "text/plain; charset=utf-8"},
    row{"css", "text/css; charset=utf-8"},
    row{"csv", "text/csv; charset=utf-8"},
    row{"eot", "application/vnd.ms-fontobject"},
    row{"epub", "application/epub+zip"},
    row{"flac", "audio/flac"},
    row{"gif", "image/gif"},
    row{"gz", "application/gzip"},
    row{"h", "text/plain; charset=utf-8"},
    row{"hpp", "text/plain; charset=utf-8"},
    row{"htm", "text/html; charset=utf-8"},
    row{"html", "text/html; charset=utf-8"},
    row{"ico", "image/vnd.microsoft.icon"},
    row{"ics", "text/calendar; charset=utf-8"},
    row{"ini", "text/plain; charset=utf-8"},
    row{"jpeg", "image/jpeg"},
    row{"jpg", "image/jpeg"},
    row{"js", "text/javascript; charset=utf-8"},
    row{"json", "application/json"},
    row{"jsonld", "application/ld+json"},
    row{"jxl", "image/jxl"},
    row{"log", "text/plain; charset=utf-8"},
    row{"m4a", "audio/mp4"},
    row{"m4v", "video/mp4"},
    row{"map", "application/json"},
    row{"markdown", "text/markdown; charset=utf-8"},
    row{"md", "text/markdown; charset=utf-8"},
    row{"mid", "audio/midi"},
    row{"mjs", "text/javascript; charset=utf-8"},
    row{"mkv", "video/x-matroska"},
    row{"mov", "video/quicktime"},
    row{"mp3", "audio/mpeg"},
    row{"mp4", "video/mp4"},
    row{"mpeg", "video/mpeg"},
    row{"oga", "audio/ogg"},
    row{"ogg", "audio/ogg"},
    row{"ogv", "video/ogg"},
    row{"opus", "audio/ogg"},
    row{"otf", "font/otf"},
    row{"pdf", "application/pdf"},
    row{"png", "image/png"},
    row{"py", "text/plain; charset=utf-8"},
    row{"rs", "text/plain; charset=utf-8"},
    row{"rst", "text/plain; charset=utf-8"},
    row{"rtf", "application/rtf"},
    row{"sh", "text/plain; charset=utf-8"},
    row{"svg", "image/svg+xml"},
    row{"tar", "application/x-tar"},
    row{"tif", "image/tiff"},
    row{"tiff", "image/tiff"},
    row{"toml", "application/toml"},
    row{"ts", "video/mp2t"},
    row{"ttf", "font/ttf"},
    row{"txt", "text/plain; charset=utf-8"},
    row{"wasm", "application/wasm"},
    row{"wav", "audio/wav"},
    row{"weba", "audio/webm"},
    row{"webm", "video/webm"},
    row{"webmanifest", "application/manifest+json"},
    row{"webp", "image/webp"},
    row{"woff", "font/woff"},
    row{"woff2", "font/woff2"},
    row{"xhtml", "application/xhtml+xml"},
    row{"xml", "application/xml"},
    row{"xz", "application/x-xz"},
    row{"yaml", "application/yaml"},
    row{"yml", "application/yaml"},
    row{"zip", "application/zip"},
    row{"zst", "application/zstd"},
};
constexpr bool by_extension(const row& a, const row& b) noexcept { return a.extension < b.extension; }
constexpr std::size_t longest = 11;  // "webmanifest"

}  // namespace

std::string_view content_type(std::string_view path) noexcept {
  constexpr std::string_view unknown = "application/octet-stream";
  static_assert(std::is_sorted(table.begin(), table.end(), by_extension));
  const auto slash = path.rfind('/');
  const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot - 1 > longest) {
    return unknown;  // no extension, a hidden file, or longer than any we know
  }
  std::array<char, longest> lower{};
  const auto extension = name.substr(dot + 1);
  std::transform(extension.begin(), extension.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string_view key{lower.data(), extension.size()};
  const auto* const found = std::lower_bound(table.begin(), table.end(), row{key, {}}, by_extension);
  return found != table.end() && found->extension == key ? found->type : unknown;
}

}  // namespace weft::tool
