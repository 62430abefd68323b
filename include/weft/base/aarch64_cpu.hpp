/// \file   weft/base/aarch64_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for AArch64.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait. Most cores take `yield` for a no-op; it costs nothing on them.
inline void spin_pause() noexcept { asm volatile("yield" : : : "memory"); }

/// The virtual counter, the same on all CPUs: what the kernel's own clock calls read. Only for deciding when to read the
/// clock. Not ordered with other instructions, which would cost as much as the clock.
inline std::uint64_t read_cycles() noexcept {
  std::uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
}
/// Bounds of its rate, 1 MHz to 1 GHz by the architecture's manual; qemu counts faster.
inline constexpr std::uint64_t slowest_cycles_per_s = 1'000'000, fastest_cycles_per_s = 20'000'000'000;

/// Asks for a cache line that will be read soon; any address may be given.
// Not __builtin_prefetch: GCC 12 takes a function of nothing else for one without effect, and drops its calls.
inline void prefetch_line(const void* address) noexcept { asm volatile("prfm pldl1keep, [%0]" : : "r"(address)); }

}  // namespace weft::inline v0::detail
