// What a load run counts, from many fibers at once. Counters are split by CPU: fibers of different workers do not fight for
// cache lines, and no fiber holds on to anything across a suspension.
#pragma once
#include <array>        // array
#include <cstddef>      // size_t
#include <cstdint>      // uint64_t
#include <memory>       // unique_ptr
#include <string_view>  // string_view
#include <vector>       // vector

#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_CACHE_LINE

#include "load/latency.hpp"  // latency_buckets, latency_summary

namespace weft::tool {

enum class load_error : unsigned char {
  none,
  connect,       // no connection could be made
  timed_out,     // silent for longer than the limit
  closed,        // the server ended the connection in the middle of a response
  reset,         // or cut it
  bad_response,  // not HTTP
  status,        // not 200
  length,        // not the length of the first response
  content,       // the length, but not the bytes
  other,
};
inline constexpr std::size_t load_error_kinds = 10;
std::string_view name_of(load_error kind) noexcept;

// A sum of all shards at one moment.
struct totals {
  std::uint64_t responses = 0, bytes = 0, reconnects = 0;
  std::array<std::uint64_t, load_error_kinds> errors{};
  latency_summary latency;
  std::uint64_t failed() const noexcept;
};

class results {
 public:
  results();
  void response(std::uint64_t latency_ns, std::uint64_t body_bytes) noexcept;  // a good one
  void failure(load_error kind) noexcept;
  void reconnect() noexcept;
  totals sum() const;
  std::uint64_t responses() const noexcept;

 private:
  struct alignas(WEFT_CACHE_LINE) shard {
    detail::atomic<std::uint64_t> responses{0}, bytes{0}, reconnects{0}, sum{0}, highest{0};
    std::array<detail::atomic<std::uint64_t>, load_error_kinds> errors{};
    std::array<detail::atomic<std::uint64_t>, latency_buckets::count> buckets{};
  };
  shard& here() noexcept;
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace weft::tool
