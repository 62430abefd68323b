// The running worker, x86-64: see current.hpp. Two loads, and one where the linker knows the place.
// Source: Drepper, "ELF Handling For Thread-Local Storage", 4.3.6 (initial exec).
#pragma once

namespace weft::inline v0::detail {

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  asm volatile("movq " WEFT_RUNNING_WORKER "@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(w) : : "memory");
  return w;
}

}  // namespace weft::inline v0::detail
