// x86-64 Windows, for switch.hpp: no inline switch. Only the scheduler would use it, which is Linux's; and unwind tables
// there describe whole functions, so that inside a statement of assembly no true story could be told. Coroutines take
// the out-of-line one.
#pragma once
#include "context/x86_inexact.hpp"  // raise_inexact_flag
