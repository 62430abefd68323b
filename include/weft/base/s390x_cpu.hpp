/// \file   weft/base/s390x_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for s390x.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait. The processor has no hint for it: only the compiler is kept from merging iterations.
inline void spin_pause() noexcept { asm volatile("" : : : "memory"); }

/// The time-of-day clock, the same on all CPUs. Only for deciding when to read the clock. Not `stck`, which waits until
/// each value is unique.
inline std::uint64_t read_cycles() noexcept {
  std::uint64_t ticks;
  asm volatile("stckf %0" : "=Q"(ticks) : : "cc");
  return ticks;
}
/// Bounds of its rate: 4096 ticks a microsecond by the architecture, but for steering; what lies outside was measured
/// across a jump.
inline constexpr std::uint64_t slowest_cycles_per_s = 4'000'000'000, fastest_cycles_per_s = 4'200'000'000;

/// Asks for a cache line that will be read soon; any address may be given.
// Not __builtin_prefetch: GCC 12 takes a function of nothing else for one without effect, and drops its calls.
inline void prefetch_line(const void* address) noexcept { asm volatile("pfd 1, 0(%0)" : : "a"(address)); }

}  // namespace weft::inline v0::detail
