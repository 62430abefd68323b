// The running worker, s390x: see current.hpp. The thread pointer is halved over two access registers.
// Source: "ELF Application Binary Interface, s390x Supplement", initial exec.
#pragma once

namespace weft::inline v0::detail {

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  void* thread;
  asm volatile("larl %0, " WEFT_RUNNING_WORKER
               "@indntpoff\n\tlg %0, 0(%0)\n\tear %1, %%a0\n\tsllg %1, %1, 32\n\tear %1, %%a1\n\tlg %0, 0(%0,%1)"
               : "=&a"(w), "=&a"(thread)
               :
               : "memory");
  return w;
}

}  // namespace weft::inline v0::detail
