// The registers that a signal interrupted, by name, and where a frame pointer's record lies: what walks stacks from a
// signal handler needs of the ABI.
#pragma once
#include <cstddef>     // ptrdiff_t
#include <cstdint>     // uintptr_t
#include <ucontext.h>  // ucontext_t

namespace weft::inline v0::detail {

struct signal_registers {
  std::uintptr_t pc, sp, fp;
};

// What a frame pointer leads to, frame_record_offset bytes from where it points.
struct frame_record {
  std::uintptr_t caller_fp, return_address;
};

#if defined(__x86_64__)

inline constexpr std::ptrdiff_t frame_record_offset = 0;
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto in = [&](int which) { return static_cast<std::uintptr_t>(at.uc_mcontext.gregs[which]); };
  return {.pc = in(REG_RIP), .sp = in(REG_RSP), .fp = in(REG_RBP)};
}

#elif defined(__aarch64__)

inline constexpr std::ptrdiff_t frame_record_offset = 0;
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  return {.pc = at.uc_mcontext.pc, .sp = at.uc_mcontext.sp, .fp = at.uc_mcontext.regs[29]};
}

#elif defined(__riscv)

inline constexpr std::ptrdiff_t frame_record_offset = -16;  // s0 holds the caller's stack pointer
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto& in = at.uc_mcontext.__gregs;
  return {.pc = in[REG_PC], .sp = in[REG_SP], .fp = in[REG_S0]};
}

#elif defined(__i386__)

inline constexpr std::ptrdiff_t frame_record_offset = 0;
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto in = [&](int which) { return static_cast<std::uintptr_t>(at.uc_mcontext.gregs[which]); };
  return {.pc = in(REG_EIP), .sp = in(REG_ESP), .fp = in(REG_EBP)};
}

#elif defined(__arm__)

// GCC leaves records in the frames of some functions, Thumb code in none: nothing that could be followed.
inline constexpr std::ptrdiff_t frame_record_offset = 0;
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  return {.pc = at.uc_mcontext.arm_pc, .sp = at.uc_mcontext.arm_sp, .fp = 0};
}

#endif

}  // namespace weft::inline v0::detail
