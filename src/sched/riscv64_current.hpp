// The running worker, RISC-V: see current.hpp. Source: "RISC-V ELF psABI", initial exec.
#pragma once

namespace weft::inline v0::detail {

[[gnu::always_inline]] inline worker* current_worker() noexcept {
  worker* w;
  asm volatile("la.tls.ie %0, " WEFT_RUNNING_WORKER "\n\tadd %0, %0, tp\n\tld %0, 0(%0)" : "=r"(w) : : "memory");
  return w;
}

}  // namespace weft::inline v0::detail
