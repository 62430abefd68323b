// A thread's own context, before others are switched to from it: MXCSR as contexts begin, initial_mxcsr, but for what the
// thread has set otherwise.
#pragma once
#include <weft/context/context.hpp>

namespace weft::inline v0::detail {

// What any computation of the thread's that rounds would do. Costs a store and a load where it is raised already, and may be seen by fetestexcept.
inline void raise_inexact_flag() noexcept {
  constexpr std::uint32_t inexact = 0x20;
  static_assert((initial_mxcsr & inexact) != 0);
  const std::uint32_t now = __builtin_ia32_stmxcsr();
  if ((now & inexact) == 0) {
    __builtin_ia32_ldmxcsr(now | inexact);
  }
}

}  // namespace weft::inline v0::detail
