// Chaos mode: what is drawn, and what it does.
#include "sched/chaos.hpp"

#include <charconv>  // from_chars
#include <sched.h>   // sched_yield

#include <weft/base/cpu.hpp>  // read_cycles, spin_pause

#include "sched/driver.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

constinit atomic<std::uint64_t> chaos_seed{0};

constexpr double default_probability = 0.05;  // picked: tests take some 1.5 times as long, and each round meets some
constexpr unsigned longest_spin = 64;         // pauses: about a microsecond
constexpr unsigned longest_stall = 2048;      // now and then: as long as a wake-up takes
constexpr unsigned stalls_one_in = 64;
// On a machine with more to do than CPUs a sched_yield() can take a time slice of each other thread: ten thousand times a
// spin. It is what stops a thread in the middle, so there are some.
constexpr unsigned yields_one_in = 32;

std::uint64_t mixed(std::uint64_t z) noexcept {  // splitmix64
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// Draws for the calling thread. A worker has a sequence of its own; the draws of plain threads depend on the time: a
// shared counter would order the threads, and hide what only shows without an order.
std::uint64_t draw(worker* w) noexcept {
  const std::uint64_t seed = chaos_seed.load(memory_order_relaxed);  // relaxed: any value will do
  if (w == nullptr) return mixed(seed ^ read_cycles());
  w->chaos_drawn += 0x9e3779b97f4a7c15U;
  return mixed(seed ^ mixed(w->index_in_runtime) ^ w->chaos_drawn);
}

bool acts(std::uint64_t drawn) noexcept {
  return static_cast<std::uint32_t>(drawn) <= chaos_threshold.load(memory_order_relaxed);  // relaxed: as chaos_is_on()
}

void delay(std::uint64_t drawn) noexcept {
  const auto kind = static_cast<unsigned>(drawn >> 32);
  if (kind % yields_one_in == 0) {
    ::sched_yield();
    return;
  }
  const unsigned longest = kind % stalls_one_in == 1 ? longest_stall : longest_spin;
  for (unsigned n = (kind >> 8) % longest; n != 0; --n) spin_pause();
}

// A fiber of a runtime whose schedule is drawn from a seed, or the thread that drives one.
bool is_deterministic(const worker* w) noexcept {
  return w == nullptr ? current_driver() != nullptr : w->rt->seeded != nullptr;
}

}  // namespace

std::optional<chaos_settings> parse_chaos(std::string_view text) noexcept {
  chaos_settings out;
  const char* const end = text.data() + text.size();
  const auto seed = std::from_chars(text.data(), end, out.seed);
  if (seed.ec != std::errc{}) return std::nullopt;
  double probability = default_probability;
  if (seed.ptr != end) {
    if (*seed.ptr != ':') return std::nullopt;
    const auto rest = std::from_chars(seed.ptr + 1, end, probability);
    if (rest.ec != std::errc{} || rest.ptr != end || !(probability > 0 && probability <= 1)) return std::nullopt;
  }
  out.threshold = static_cast<std::uint32_t>(probability * 4294967295.0);
  if (out.threshold == 0) out.threshold = 1;
  return out;
}

void set_chaos(chaos_settings settings) noexcept {
  chaos_seed.store(settings.seed, memory_order_relaxed);            // relaxed: any mixture of old and new will do
  chaos_threshold.store(settings.threshold, memory_order_relaxed);  // relaxed: as above
}

chaos_settings current_chaos() noexcept {
  return {chaos_seed.load(memory_order_relaxed), chaos_threshold.load(memory_order_relaxed)};  // relaxed: as above
}

void disturb_thread() noexcept {
  worker* const w = current_worker();
  if (is_deterministic(w)) return;
  if (const std::uint64_t drawn = draw(w); acts(drawn)) delay(drawn);
}

void disturb_fiber() noexcept {
  worker* const w = current_worker();
  if (is_deterministic(w)) return;
  const std::uint64_t drawn = draw(w);
  if (!acts(drawn)) return;
  const bool may_suspend = w != nullptr && w->current != nullptr && (w->current->ctx.owner_bits & flag_no_suspend) == 0;
  if (may_suspend && (drawn >> 63) != 0) {
    w->yield_running();
  } else {
    delay(drawn);
  }
}

}  // namespace weft::inline v0::detail
