// i386 with SSE2, for support/machine.hpp.
#pragma once
#include "support/x86_fp_machine.hpp"

namespace weft::testing {
inline constexpr unsigned callee_saved_values = 2;  // ebx ebp, esi edi
}
