// The switch of examples/naked_fibers and the variants between it and weft's, each one change away from the one before.
#pragma once
#include <cstdint>  // fixed-width integers

namespace steps {

struct registers {
  std::uint64_t rsp, r15, r14, r13, r12, rbx, rbp;
};

extern "C" {
void steps_switch_ret(registers* save, const registers* load);         // the example's: ends in `ret`
void steps_switch_jmp(registers* save, const registers* load);         // ends in pop and jump
void steps_switch_fp_load(registers* save, const registers* load);     // and saves and loads MXCSR and x87 word
void steps_switch_fp_compare(registers* save, const registers* load);  // and loads them only where they differ
}

// Makes `r` start in entry() on the stack that ends at `top`, 16-byte aligned. entry never returns. `has_fp_words`: the
// variant finds the floating-point words below the resume address.
inline void start_at(registers& r, void* top, void (*entry)(), bool has_fp_words) {
  auto* words = static_cast<std::uint64_t*>(top);
  words[-1] = 0;                                       // entry sees rsp = 16n + 8
  words[-2] = reinterpret_cast<std::uint64_t>(entry);  // where the switch resumes
  words[-3] = (std::uint64_t{0x037f} << 32) | 0x1f80;  // the words every thread starts with
  r = registers{};
  r.rsp = reinterpret_cast<std::uint64_t>(words - (has_fp_words ? 3 : 2));
}

}  // namespace steps
