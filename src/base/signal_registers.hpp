// The registers that a signal interrupted, by name, and the way from a frame to its caller's: what walks stacks from a
// signal handler needs of the ABI.
#pragma once
#include <cstddef>     // ptrdiff_t
#include <cstdint>     // uintptr_t
#include <ucontext.h>  // ucontext_t

namespace weft::inline v0::detail {

// fp: where a walk begins.
struct signal_registers {
  std::uintptr_t pc, sp, fp;
};

// What a frame says of its caller. caller_fp is 0 where the stack ends.
struct frame_record {
  std::uintptr_t caller_fp, return_address;
};

// caller_of(fp, read, out): one step of a walk. read(address, word) fetches a word; where it returns false, so does
// caller_of. Whether the step leads upwards is for the walker to see.

// Both words side by side, `offset` bytes from where the frame pointer points.
template <class Read>
bool caller_by_record(std::uintptr_t fp, std::ptrdiff_t offset, Read read, frame_record& out) noexcept {
  const std::uintptr_t at = fp + static_cast<std::uintptr_t>(offset);
  return read(at, out.caller_fp) && read(at + sizeof(std::uintptr_t), out.return_address);
}

#if defined(__x86_64__)

template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_record(fp, 0, read, out);
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto in = [&](int which) { return static_cast<std::uintptr_t>(at.uc_mcontext.gregs[which]); };
  return {.pc = in(REG_RIP), .sp = in(REG_RSP), .fp = in(REG_RBP)};
}

#elif defined(__aarch64__)

template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_record(fp, 0, read, out);
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  return {.pc = at.uc_mcontext.pc, .sp = at.uc_mcontext.sp, .fp = at.uc_mcontext.regs[29]};
}

#elif defined(__riscv)

template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_record(fp, -16, read, out);  // s0 holds the caller's stack pointer
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto& in = at.uc_mcontext.__gregs;
  return {.pc = in[REG_PC], .sp = in[REG_SP], .fp = in[REG_S0]};
}

#endif

}  // namespace weft::inline v0::detail
