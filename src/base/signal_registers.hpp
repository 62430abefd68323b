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
// caller_of. Whether the step leads upwards is for the walker to see. There are two kinds of ABI:

// Both words side by side, `offset` bytes from where the frame pointer points.
template <class Read>
bool caller_by_record(std::uintptr_t fp, std::ptrdiff_t offset, Read read, frame_record& out) noexcept {
  const std::uintptr_t at = fp + static_cast<std::uintptr_t>(offset);
  return read(at, out.caller_fp) && read(at + sizeof(std::uintptr_t), out.return_address);
}

// A chain through the lowest word of each frame, to which its stack pointer points; the return address lies in the frame of
// the caller. The last frame of the chain is the entry's, which has no return address: as by records, 0 leads there.
template <class Read>
bool caller_by_back_chain(std::uintptr_t fp, std::uintptr_t offset, Read read, frame_record& out) noexcept {
  std::uintptr_t caller = 0, above = 0;
  out = {};
  if (!read(fp, caller)) return false;
  if (caller == 0) return true;
  if (!read(caller + offset, out.return_address) || !read(caller, above)) return false;
  out.caller_fp = above == 0 ? 0 : caller;
  return true;
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

#elif defined(__s390x__)

// Only where the code was built with -mbackchain and -fno-omit-frame-pointer; else the words are anything, and the walk ends
// soon. It begins with r11, the stack pointer as it was when the frame was complete: in a prologue r15 changes before the
// word is written to which it points, and that write is what an overflow fails with.
template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_back_chain(fp, 112, read, out);  // where r14 is saved
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto& in = at.uc_mcontext.gregs;
  return {.pc = at.uc_mcontext.psw.addr, .sp = in[15], .fp = in[11]};
}

#elif defined(__powerpc64__)

template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_back_chain(fp, 16, read, out);  // where lr is saved
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const std::uintptr_t sp = at.uc_mcontext.gp_regs[1];
  return {.pc = at.uc_mcontext.gp_regs[32], .sp = sp, .fp = sp};  // 32: nip
}

#elif defined(__i386__)

template <class Read>
bool caller_of(std::uintptr_t fp, Read read, frame_record& out) noexcept {
  return caller_by_record(fp, 0, read, out);
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  const auto in = [&](int which) { return static_cast<std::uintptr_t>(at.uc_mcontext.gregs[which]); };
  return {.pc = in(REG_EIP), .sp = in(REG_ESP), .fp = in(REG_EBP)};
}

#elif defined(__arm__)

// GCC leaves records in the frames of some functions, Thumb code in none: nothing that could be followed.
template <class Read>
bool caller_of(std::uintptr_t /*fp*/, Read /*read*/, frame_record& out) noexcept {
  out = {};
  return false;
}
inline signal_registers registers_of(const ucontext_t& at) noexcept {
  return {.pc = at.uc_mcontext.arm_pc, .sp = at.uc_mcontext.arm_sp, .fp = 0};
}

#endif

}  // namespace weft::inline v0::detail
