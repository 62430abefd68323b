// The running worker, ARMv7: see current.hpp. No instruction holds an offset of the size of a program's, so it is a word
// among them that is jumped over: a place apart might be out of reach.
// Source: Arm, "ELF for the Arm Architecture", and "Addenda to the ABI for the Arm Architecture", thread local storage
// (initial exec).
#pragma once

namespace weft::inline v0::detail {

#if defined(__thumb__)
#define WEFT_PC_AHEAD "4"
#else
#define WEFT_PC_AHEAD "8"
#endif

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  void* thread;
  asm volatile(
      "ldr %0, 2f\n\tmrc p15, 0, %1, c13, c0, 3\n1:\tadd %0, pc, %0\n\tldr %0, [%0]\n\tldr %0, [%0, %1]\n\t"
      "b 3f\n\t.balign 4\n2:\t.word " WEFT_RUNNING_WORKER "(gottpoff) + (. - 1b - " WEFT_PC_AHEAD ")\n3:"
      : "=&r"(w), "=&r"(thread)
      :
      : "memory");
  return w;
}

#undef WEFT_PC_AHEAD

}  // namespace weft::inline v0::detail
