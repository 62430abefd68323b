// The running worker, i386: see current.hpp. Offsets of thread-locals are found by the address of the global offset table,
// and that by a call that tells where it is (src/context/i386_sysv.cpp).
// Source: Drepper, "ELF Handling For Thread-Local Storage", 4.3.6 (initial exec).
#pragma once

namespace weft::inline v0::detail {

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  asm volatile("calll weft_pc_in_eax\n\taddl $_GLOBAL_OFFSET_TABLE_, %0\n\tmovl " WEFT_RUNNING_WORKER
               "@gotntpoff(%0), %0\n\tmovl %%gs:(%0), %0"
               : "=a"(w)
               :
               : "cc", "memory");
  return w;
}

}  // namespace weft::inline v0::detail
