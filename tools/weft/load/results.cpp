// Counting without order: every access is relaxed, because the numbers only meet when they are summed, and the last sum
// is taken after all fibers were joined.
#include "load/results.hpp"

#include <sched.h>  // sched_getcpu

#include <algorithm>  // clamp, max
#include <numeric>    // accumulate
#include <thread>     // hardware_concurrency

namespace weft::tool {
namespace {

void add(detail::atomic<std::uint64_t>& to, std::uint64_t n) noexcept {
  to.fetch_add(n, detail::memory_order_relaxed);  // relaxed: a count, ordered with nothing
}
std::uint64_t get(const detail::atomic<std::uint64_t>& from) noexcept {
  return from.load(detail::memory_order_relaxed);  // relaxed: a count; the final one is read after the joins
}
void raise(detail::atomic<std::uint64_t>& to, std::uint64_t value) noexcept {
  std::uint64_t seen = get(to);
  // relaxed: only the largest value matters, not when it came
  while (seen < value && !to.compare_exchange_weak(seen, value, detail::memory_order_relaxed)) {
  }
}

}  // namespace

std::string_view name_of(load_error kind) noexcept {
  constexpr std::array<std::string_view, load_error_kinds> names{
      "none", "connect", "timeout", "closed", "reset", "bad_response", "status", "length", "content", "other"};
  return names[static_cast<std::size_t>(kind)];
}

std::uint64_t totals::failed() const noexcept {
  return std::accumulate(errors.begin(), errors.end(), std::uint64_t{0});
}

results::results() {
  const unsigned cpus = std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
  for (unsigned i = 0; i < cpus; ++i) {
    shards_.push_back(std::make_unique<shard>());
  }
}

// The CPU is a hint: a thread that moves right after the call adds to another's shard, which costs time, not truth.
results::shard& results::here() noexcept {
  const int cpu = ::sched_getcpu();
  return *shards_[cpu < 0 ? 0 : static_cast<std::size_t>(cpu) % shards_.size()];
}

void results::response(std::uint64_t latency_ns, std::uint64_t body_bytes) noexcept {
  shard& s = here();
  add(s.responses, 1);
  add(s.bytes, body_bytes);
  add(s.sum, latency_ns);
  add(s.buckets[latency_buckets::index(latency_ns)], 1);
  raise(s.highest, latency_ns);
}

void results::failure(load_error kind) noexcept { add(here().errors[static_cast<std::size_t>(kind)], 1); }

void results::reconnect() noexcept { add(here().reconnects, 1); }

std::uint64_t results::responses() const noexcept {
  std::uint64_t n = 0;
  for (const auto& s : shards_) {
    n += get(s->responses);
  }
  return n;
}

totals results::sum() const {
  totals out;
  for (const auto& s : shards_) {
    out.responses += get(s->responses);
    out.bytes += get(s->bytes);
    out.reconnects += get(s->reconnects);
    out.latency.sum += get(s->sum);
    out.latency.highest = std::max(out.latency.highest, get(s->highest));
    for (std::size_t i = 0; i < load_error_kinds; ++i) {
      out.errors[i] += get(s->errors[i]);
    }
    for (std::size_t i = 0; i < latency_buckets::count; ++i) {
      out.latency.buckets[i] += get(s->buckets[i]);
    }
  }
  out.latency.recorded = std::accumulate(out.latency.buckets.begin(), out.latency.buckets.end(), std::uint64_t{0});
  return out;
}

}  // namespace weft::tool
