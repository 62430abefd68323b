// x86-64 Windows, for support/machine.hpp.
#pragma once
#include "support/x86_fp_machine.hpp"

namespace weft::testing {
inline constexpr unsigned callee_saved_values = 28;  // rbx rbp rdi rsi r12 r13 r14 r15, both halves of xmm6-xmm15
}
