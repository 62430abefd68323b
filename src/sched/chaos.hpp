// Chaos mode: random delays and yields at the places where the order of threads matters, so that rare orders are tried
// on purpose. On by WEFT_CHAOS=<seed>[:probability] or from a test; off it costs one predicted branch at each place.
//
// Delays go to the thread (a spin, or sched_yield()), and may stand under a lock of a primitive. Yields go to the fiber, and
// stand only where the operation may suspend anyway. What is drawn follows from the seed and the worker's number; the
// order of the threads does not, so that a seed makes a failure likely again, not certain. Runs that draw their
// schedule from a seed (deterministic tests) are left alone.
#pragma once
#include <cstdint>      // fixed-width integers
#include <optional>     // parse_chaos
#include <string_view>  // parse_chaos

#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail {

struct chaos_settings {
  std::uint64_t seed = 0;
  std::uint32_t threshold = 0;  // of 2^32: how often a place acts. 0: off
};

// "seed" or "seed:probability", the probability above 0 and at most 1.
std::optional<chaos_settings> parse_chaos(std::string_view text) noexcept;

// For the process. A runtime made later draws from the new seed; the threshold counts at once.
void set_chaos(chaos_settings settings) noexcept;
chaos_settings current_chaos() noexcept;

inline constinit atomic<std::uint32_t> chaos_threshold{0};

inline bool chaos_is_on() noexcept {
  return chaos_threshold.load(memory_order_relaxed) != 0;  // relaxed: whether to disturb, nothing else
}

[[gnu::cold, gnu::noinline]] void disturb_thread() noexcept;
[[gnu::cold, gnu::noinline]] void disturb_fiber() noexcept;

inline void chaos_delay() noexcept {
  if (chaos_is_on()) [[unlikely]]
    disturb_thread();
}

// May suspend the calling fiber, unless it is in a no_suspend section; delays a plain thread.
inline void chaos_yield() noexcept {
  if (chaos_is_on()) [[unlikely]]
    disturb_fiber();
}

}  // namespace weft::inline v0::detail
