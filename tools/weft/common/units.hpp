// Durations and sizes as people type them: 30s, 500ms, 2m, 16k, 4M.
#pragma once
#include <chrono>       // milliseconds
#include <cstdint>      // uint64_t
#include <optional>     // optional
#include <string_view>  // string_view

namespace weft::tool {

// A whole number with ms, s, m or h; without a unit, seconds. Nullopt: not that, or too large to hold.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

// A whole number with k, M or G (powers of 1024, either case); without a unit, bytes. Nullopt: not that, or too large.
std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;

}  // namespace weft::tool
