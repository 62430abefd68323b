/// \file   weft/base/ppc64le_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for ppc64le.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait: low priority among the threads of the core, and then the usual one again.
inline void spin_pause() noexcept { asm volatile("or 1,1,1\n\tor 2,2,2" : : : "memory"); }

/// The time base, the same on all CPUs. Only for deciding when to read the clock.
inline std::uint64_t read_cycles() noexcept {
  std::uint64_t ticks;
  asm volatile("mfspr %0, 268" : "=r"(ticks));
  return ticks;
}
/// Bounds of its rate: processors since POWER6 count at 512 MHz, qemu as fast as its host does.
inline constexpr std::uint64_t slowest_cycles_per_s = 1'000'000, fastest_cycles_per_s = 20'000'000'000;

/// Asks for a cache line that will be read soon; any address may be given.
// Not __builtin_prefetch: GCC 12 takes a function of nothing else for one without effect, and drops its calls.
inline void prefetch_line(const void* address) noexcept { asm volatile("dcbt 0, %0" : : "r"(address)); }

}  // namespace weft::inline v0::detail
