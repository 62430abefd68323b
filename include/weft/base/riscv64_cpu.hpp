/// \file   weft/base/riscv64_cpu.hpp
/// \brief  What weft/base/cpu.hpp promises, for 64-bit RISC-V.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

/// One iteration of a spin wait: `pause` of Zihintpause, as a number, because assemblers want the extension to be named;
/// without it the CPU takes it for a fence of nothing.
inline void spin_pause() noexcept { asm volatile(".4byte 0x0100000f" : : : "memory"); }

/// The real-time counter, the same on all CPUs. Only for deciding when to read the clock. Not `rdcycle`: Linux lets
/// programs read that only while they are profiled.
inline std::uint64_t read_cycles() noexcept {
  std::uint64_t ticks;
  asm volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}
/// Bounds of its rate: boards count at 1 to some 100 MHz, qemu as fast as its host does.
inline constexpr std::uint64_t slowest_cycles_per_s = 1'000'000, fastest_cycles_per_s = 20'000'000'000;

/// Asks for nothing: the base instruction set has no prefetch, and a load might fault.
inline void prefetch_line(const void* /*address*/) noexcept {}

}  // namespace weft::inline v0::detail
