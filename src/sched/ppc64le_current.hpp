// The running worker, ppc64le: see current.hpp. Not instructions of ours: to find the place of a thread-local they need r2,
// and a function has it only where the compiler knows of the need. So the compiler reads it, in a function that is neither
// inlined nor looked into, whose calls can be neither merged nor left out.
#pragma once

namespace weft::inline v0::detail {

#if defined(__clang__)
#define WEFT_OPAQUE noinline
#else
#define WEFT_OPAQUE noipa
#endif

__attribute__((WEFT_OPAQUE)) inline worker* current_worker() noexcept {
  asm volatile("" : : : "memory");
  return running_worker;
}

#undef WEFT_OPAQUE

}  // namespace weft::inline v0::detail
