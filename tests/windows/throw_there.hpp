// What a program does that makes C++ exceptions of faults: it lets the thread go on in a function that throws, as if that had
// been called at the instruction of the fault.
#pragma once
#include <stdexcept>  // runtime_error

#include <windows.h>  // CONTEXT

namespace weft::testing {

struct fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws a fault. What calls it may throw, as far as the compiler knows: else its callers would not be prepared for it.
[[noreturn]] void throw_fault();

// The thread of `at` throws a fault where it stands. Functions it stands in have no cleanups of their own: tables tell of
// calls only where to go on.
void throw_there(CONTEXT& at);

}  // namespace weft::testing
