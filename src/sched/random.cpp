// Where chance comes from: the runtime's seed, the test's driver, or a splitmix64 sequence.
#include "sched/random.hpp"

#include <cstdint>  // uint64_t

#include <weft/base/atomic.hpp>

#include "sched/driver.hpp"
#include "sched/runtime_impl.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr std::uint64_t step = 0x9e3779b97f4a7c15U;  // 2^64 / golden ratio: what splitmix64 adds

// For plain threads, all together: they ask rarely, and who asks next is chance as well.
atomic<std::uint64_t> threads_state{0};

std::uint64_t splitmix64(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// The upper half times n: cheaper than a division.
std::size_t scaled(std::uint64_t random, std::size_t n) noexcept {
  return static_cast<std::size_t>(((random >> 32) * n) >> 32);
}

}  // namespace

std::size_t random_below(std::size_t n, worker* here) noexcept {
  if (here != nullptr) {
    if (here->rt->seeded != nullptr) return here->rt->seeded->below(n);
    // The number keeps workers apart that draw equally often.
    here->random_state += step + here->number;
    return scaled(splitmix64(here->random_state), n);
  }
  if (driver* d = current_driver(); d != nullptr) return d->random_below(n);
  // relaxed: any order of draws will do
  return scaled(splitmix64(threads_state.fetch_add(step, memory_order_relaxed)), n);
}

}  // namespace weft::inline v0::detail
