// x86-64 System V, for support/machine.hpp.
#pragma once
#include "support/x86_fp_machine.hpp"

namespace weft::testing {
inline constexpr unsigned callee_saved_values = 6;  // rbx rbp r12 r13 r14 r15
}
