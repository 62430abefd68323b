// What the running thread's information block says of its stack.
#pragma once
#include <windows.h>  // NT_TIB

namespace weft::testing {

struct thread_block {
  void* exception_list;
  void* stack_base;
  void* stack_limit;
  void* deallocation_stack;
  void* fiber_data;
  ULONG guaranteed_stack_bytes;
  bool operator==(const thread_block&) const = default;
};

inline thread_block block_now() {
  const char* bytes = nullptr;
  asm volatile("movq %%gs:0x30, %0"
               : "=r"(bytes)
               :
               : "memory");  // NtCurrentTeb(), in whose header GCC 12 sees an overrun
  const auto* const tib = reinterpret_cast<const NT_TIB*>(bytes);
  return {tib->ExceptionList, tib->StackBase,
          tib->StackLimit,    *reinterpret_cast<void* const*>(bytes + 0x1478),
          tib->FiberData,     *reinterpret_cast<const ULONG*>(bytes + 0x1748)};
}

}  // namespace weft::testing
