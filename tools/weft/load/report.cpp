// Rendering: one JSON object, or a few lines.
#include "load/report.hpp"

#include <algorithm>    // min
#include <array>        // array
#include <cstdio>       // snprintf
#include <string_view>  // string_view

namespace weft::tool {
namespace {

template <class... A>
void append(std::string& out, const char* format, A... values) {
  std::array<char, 256> line{};
  const int n = std::snprintf(line.data(), line.size(), format, values...);
  out.append(line.data(), n > 0 ? std::min(static_cast<std::size_t>(n), line.size() - 1) : 0);
}

unsigned long long number(std::uint64_t n) noexcept { return n; }

double per_second(const load_report& report, std::uint64_t n) noexcept {
  return report.seconds > 0 ? static_cast<double>(n) / report.seconds : 0;
}

std::string duration_text(std::uint64_t ns) {
  std::string out;
  const auto value = static_cast<double>(ns);
  if (ns < 1'000'000) {
    append(out, "%.1f us", value / 1e3);
  } else if (ns < 1'000'000'000) {
    append(out, "%.2f ms", value / 1e6);
  } else {
    append(out, "%.2f s", value / 1e9);
  }
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      append(out, "\\u%04x", static_cast<unsigned>(byte));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string render_text(const load_report& r) {
  const auto& c = r.counted;
  std::string out = r.url + "\n";
  append(out, "  connections  %u of %u, pipeline %u, %llu reconnects\n", r.connected, r.connections, r.pipeline,
         number(c.reconnects));
  append(out, "  requests     %llu in %.2f s: %.1f per second, bodies of %llu bytes, %.2f MiB/s\n", number(c.responses),
         r.seconds, per_second(r, c.responses), number(r.body_bytes), per_second(r, c.bytes) / (1024.0 * 1024.0));
  append(out, "  latency      p50 %s, p99 %s, p99.9 %s, max %s\n", duration_text(c.latency.quantile(0.5)).c_str(),
         duration_text(c.latency.quantile(0.99)).c_str(), duration_text(c.latency.quantile(0.999)).c_str(),
         duration_text(c.latency.highest).c_str());
  out += "  errors       ";
  if (c.failed() == 0) {
    out += "none";
  }
  const char* separator = "";
  for (std::size_t i = 0; i < load_error_kinds; ++i) {
    if (c.errors[i] != 0) {
      out.append(separator).append(name_of(static_cast<load_error>(i)));
      append(out, " %llu", number(c.errors[i]));
      separator = ", ";
    }
  }
  const double resident = static_cast<double>(r.peak_resident_bytes);
  append(out, "\n  memory       %.1f MiB at its highest, %.1f KiB per connection\n", resident / (1024.0 * 1024.0),
         resident / 1024.0 / (r.connected == 0 ? 1 : r.connected));
  return out;
}

std::string render_json(const load_report& r) {
  const auto& c = r.counted;
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  std::string out = "{\"url\": " + json_string(r.url);
  append(out, ", \"connections\": %u, \"connected\": %u, \"pipeline\": %u, \"seconds\": %.6f", r.connections,
         r.connected, r.pipeline, r.seconds);
  append(out, ", \"requests\": %llu, \"requests_per_second\": %.3f, \"body_bytes\": %llu, \"bytes\": %llu",
         number(c.responses), per_second(r, c.responses), number(r.body_bytes), number(c.bytes));
  append(out, ", \"latency_us\": {\"mean\": %.3f, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
         c.latency.mean() / 1e3, us(c.latency.quantile(0.5)), us(c.latency.quantile(0.99)),
         us(c.latency.quantile(0.999)), us(c.latency.highest));
  append(out, ", \"reconnects\": %llu, \"failed\": %llu, \"errors\": {", number(c.reconnects), number(c.failed()));
  for (std::size_t i = 1; i < load_error_kinds; ++i) {
    out.append(i > 1 ? ", " : "").append(json_string(name_of(static_cast<load_error>(i))));
    append(out, ": %llu", number(c.errors[i]));
  }
  append(out, "}, \"peak_rss_bytes\": %llu}\n", number(r.peak_resident_bytes));
  return out;
}

}  // namespace weft::tool
