/// \file   weft/base/armhf_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for ARMv7.
#pragma once
#include <chrono>   // steady_clock
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait. Most cores take `yield` for a no-op; it costs nothing on them.
inline void spin_pause() noexcept { asm volatile("yield" : : : "memory"); }

/// The clock itself, in nanoseconds: not every ARMv7 core has a counter, and kernels let programs read it where they
/// like.
inline std::uint64_t read_cycles() noexcept {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}
/// Bounds of its rate.
inline constexpr std::uint64_t slowest_cycles_per_s = 400'000'000, fastest_cycles_per_s = 20'000'000'000;

/// Asks for a cache line that will be read soon; any address may be given.
// Not __builtin_prefetch: GCC 12 takes a function of nothing else for one without effect, and drops its calls.
inline void prefetch_line(const void* address) noexcept { asm volatile("pld [%0]" : : "r"(address)); }

}  // namespace weft::inline v0::detail
