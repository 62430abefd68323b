// Call chains, by the system's own unwinder.
#pragma once
#include <cstdint>  // uintptr_t

#include <windows.h>  // RtlVirtualUnwind, RtlLookupFunctionEntry

extern "C" void weft_naked_entry() noexcept;  // local to the library: its address names the outermost frame

namespace weft::testing {

inline bool is_entry(std::uintptr_t pc) {
  const auto entry = reinterpret_cast<std::uintptr_t>(&weft_naked_entry);
  return pc > entry && pc < entry + 16;
}

// Program counters from the innermost frame on.
struct chain {
  static constexpr unsigned most = 64;
  std::uintptr_t pc[most] = {};
  unsigned frames = 0;
  bool ended = false;          // at a return address of 0
  std::uintptr_t last_sp = 0;  // behind it
  std::uintptr_t last() const { return frames == 0 ? 0 : pc[frames - 1]; }
};

// To the caller of where `at` is. \return false when no table knows it: no leaf is among ours
inline bool unwind_one(CONTEXT& at) {
  DWORD64 image = 0;
  RUNTIME_FUNCTION* const function = ::RtlLookupFunctionEntry(at.Rip, &image, nullptr);
  if (function == nullptr) return false;
  void* data = nullptr;
  DWORD64 frame = 0;
  ::RtlVirtualUnwind(UNW_FLAG_NHANDLER, image, at.Rip, function, &at, &data, &frame, nullptr);
  return true;
}

// As the dispatcher of exceptions walks; allocates nothing, as it runs in a handler of them, too.
inline chain walk(CONTEXT at) {
  chain seen;
  while (at.Rip != 0 && seen.frames != chain::most) {
    seen.pc[seen.frames++] = at.Rip;
    if (!unwind_one(at)) break;
  }
  seen.ended = at.Rip == 0;
  seen.last_sp = at.Rsp;
  return seen;
}

}  // namespace weft::testing
