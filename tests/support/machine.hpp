// What tests of the switch must know of a processor, one file per ABI with the same names:
//
//   callee_saved_values             how many values weft_torture_call carries through a switch, in that many registers
//   WEFT_DOUBLE_REGISTER            the constraint of inline assembly for a double in a register
//   fp_state(), set_fp_state(x)     the floating-point control and status registers, as one number; and of such numbers
//   fp_state_initial, _odd          as a context begins; everything different from it
//   fp_state_clear, _divided        no flag raised; the flag of a division by zero raised
//   inexact_flag                    its bit there
//   has_flush_to_zero, flush_to_zero(), set_flush_to_zero()
//   fp_control, fp_control_of(n), load(c), control_now()   modes to tell 64 contexts apart by, flags left out
//   fp_compute(), fp_distinct       results that depend on the modes; how many different ones there are at least
//   touch_aligned_stack()           traps on a stack that is not aligned, where the processor can be made to
#pragma once

#if defined(_WIN32)
#include "support/x86_64_windows_machine.hpp"
#elif defined(__x86_64__)
#include "support/x86_64_machine.hpp"
#elif defined(__aarch64__)
#include "support/aarch64_machine.hpp"
#elif defined(__riscv)
#include "support/riscv64_machine.hpp"
#elif defined(__s390x__)
#include "support/s390x_machine.hpp"
#elif defined(__powerpc64__)
#include "support/ppc64le_machine.hpp"
#elif defined(__i386__)
#include "support/i386_machine.hpp"
#elif defined(__arm__)
#include "support/armhf_machine.hpp"
#endif
