// x86-64 Windows, for switch.hpp: no inline switch. Only the scheduler would use it, which is Linux's; and unwind tables
// there describe whole functions, so that inside a statement of assembly no true story could be told. Coroutines take
// the out-of-line one.
#pragma once
#include <cstdint>  // uint32_t

#include <weft/context/context.hpp>  // initial_mxcsr

namespace weft::inline v0::detail {

// As in x86_64_switch.hpp.
inline void raise_inexact_flag() noexcept {
  constexpr std::uint32_t inexact = 0x20;
  static_assert((initial_mxcsr & inexact) != 0);
  const std::uint32_t now = __builtin_ia32_stmxcsr();
  if ((now & inexact) == 0) {
    __builtin_ia32_ldmxcsr(now | inexact);
  }
}

}  // namespace weft::inline v0::detail
