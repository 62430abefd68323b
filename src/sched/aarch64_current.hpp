// The running worker, AArch64: see current.hpp. The linker turns the first two instructions into constants where it knows
// the place. Source: Arm, "ELF for the Arm 64-bit Architecture", 5.7.11.4 (initial exec).
#pragma once

namespace weft::inline v0::detail {

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  void* thread;
  asm volatile("adrp %0, :gottprel:" WEFT_RUNNING_WORKER "\n\tldr %0, [%0, :gottprel_lo12:" WEFT_RUNNING_WORKER
               "]\n\tmrs %1, tpidr_el0\n\tldr %0, [%0, %1]"
               : "=&r"(w), "=&r"(thread)
               :
               : "memory");
  return w;
}

}  // namespace weft::inline v0::detail
