// Large frames on purpose.
#pragma once

namespace weft::testing {

// The array stands on the stack as large as it was declared: a compiler that sees all uses of it may keep the elements that
// are used and no others, volatile or not (Clang does). Touches nothing.
[[gnu::always_inline]] inline void keep_frame(volatile char* array) { asm volatile("" : : "r"(array) : "memory"); }

}  // namespace weft::testing
