/// \file   weft/base/i386_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for i386.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait: tells the CPU that its sibling may have the pipeline. Its usual name, cpu_relax, is a
/// macro of Boost.Fiber.
inline void spin_pause() noexcept { __builtin_ia32_pause(); }

/// The CPU's cycle counter: a third of the cost of a clock call. Only for deciding when to read the clock; its rate is
/// whatever it is, and it may jump when a thread changes CPU on old machines.
inline std::uint64_t read_cycles() noexcept { return __builtin_ia32_rdtsc(); }
/// Bounds of its rate: what lies outside was measured across a jump.
inline constexpr std::uint64_t slowest_cycles_per_s = 400'000'000, fastest_cycles_per_s = 20'000'000'000;

/// Asks for a cache line that will be read soon; any address may be given.
// Not __builtin_prefetch: GCC 12 takes a function of nothing else for one without effect, and drops its calls.
inline void prefetch_line(const void* address) noexcept {
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(address)));
}

}  // namespace weft::inline v0::detail
