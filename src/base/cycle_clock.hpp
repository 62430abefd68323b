// The CPU's cycle counter: a third of the cost of a clock call. Only for deciding when to read the clock; its rate is
// whatever it is, and it may jump when a thread changes CPU on old machines.
#pragma once
#include <cstdint>      // uint64_t
#include <x86intrin.h>  // __rdtsc

namespace weft::inline v0::detail {

inline std::uint64_t read_cycles() noexcept { return __rdtsc(); }

}  // namespace weft::inline v0::detail
