// raise_inexact_flag() of switch.hpp, for all that has MXCSR.
#pragma once
#include <cstdint>  // uint32_t

#include <weft/context/context.hpp>  // initial_mxcsr

namespace weft::inline v0::detail {

// A thread's own words as contexts begin, initial_mxcsr, but for what the thread has set otherwise: what any computation
// that rounds would do. Costs a store and a load where the flag is raised already, and may be seen by fetestexcept.
inline void raise_inexact_flag() noexcept {
  constexpr std::uint32_t inexact = 0x20;
  static_assert((initial_mxcsr & inexact) != 0);
  const std::uint32_t now = __builtin_ia32_stmxcsr();
  if ((now & inexact) == 0) {
    __builtin_ia32_ldmxcsr(now | inexact);
  }
}

}  // namespace weft::inline v0::detail
