// VirtualAlloc, VirtualProtect, VirtualFree.
//
// Why guard pages and not only pages without access: the first touch of one becomes STATUS_STACK_OVERFLOW, and the pages
// may be used from then on, so that a handler has something to run on. A fault at a page without access, by a push
// say, leaves none: the system cannot write the exception's record below the stack pointer, and ends the process without a word.
// Why they do not grow the stack, as those of a thread do: StackLimit says that all is committed already, and
// GuaranteedStackBytes that what is below is for the overflow alone.
#include "stack/windows_stack.hpp"

#include <new>  // placement new

#include <windows.h>  // VirtualAlloc, VirtualProtect, VirtualFree, GetLastError

#include "base/check.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t page = 4096;  // on every x86-64
static_assert(overflow_bytes % page == 0);

}  // namespace

stack* map_stack(unsigned size_class, std::error_code& error) noexcept {
  const std::size_t bytes = page + overflow_bytes + stack_class_bytes(size_class);
  auto* const slot = static_cast<std::byte*>(::VirtualAlloc(nullptr, bytes, MEM_RESERVE, PAGE_NOACCESS));
  if (slot == nullptr) {
    error = std::error_code(static_cast<int>(::GetLastError()), std::system_category());
    return nullptr;
  }
  DWORD before = 0;
  if (::VirtualAlloc(slot + page, bytes - page, MEM_COMMIT, PAGE_READWRITE) == nullptr ||
      ::VirtualProtect(slot + page, overflow_bytes, PAGE_READWRITE | PAGE_GUARD, &before) == 0) {
    error = std::error_code(static_cast<int>(::GetLastError()), std::system_category());
    WEFT_CHECK(::VirtualFree(slot, 0, MEM_RELEASE) != 0, "VirtualFree failed: error %lu", ::GetLastError());
    return nullptr;
  }
  stack* const s = ::new (slot + bytes - sizeof(stack)) stack;
  s->limit = slot + page + overflow_bytes;
  s->slot = slot;
  s->size_class = static_cast<std::uint8_t>(size_class);
  s->guard = guard_kind::protect;
  return s;
}

void unmap_stack(stack& s) noexcept {
  WEFT_CHECK(::VirtualFree(s.slot, 0, MEM_RELEASE) != 0, "VirtualFree failed: error %lu", ::GetLastError());
}

bool guard_again(stack& s) noexcept {
  DWORD before = 0;
  return ::VirtualProtect(s.slot + page, overflow_bytes, PAGE_READWRITE | PAGE_GUARD, &before) != 0;
}

}  // namespace weft::inline v0::detail
