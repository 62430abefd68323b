// For mapped_stack.hpp, by VirtualAlloc: a page that is never committed, guard pages, the stack.
#pragma once
#include <windows.h>  // VirtualAlloc, VirtualProtect, VirtualFree

#include <cstddef>  // size_t
#include <cstdint>  // uintptr_t
#include <cstdio>   // fprintf
#include <cstdlib>  // abort

namespace weft::testing {

class mapped_stack {
 public:
  explicit mapped_stack(std::size_t bytes = std::size_t{128} * 1024) : bytes_(bytes) {
    base_ = ::VirtualAlloc(nullptr, page + guard + bytes + above, MEM_RESERVE, PAGE_NOACCESS);
    DWORD before = 0;
    char* const committed = static_cast<char*>(base_) + page;
    if (base_ == nullptr || ::VirtualAlloc(committed, guard + bytes + above, MEM_COMMIT, PAGE_READWRITE) == nullptr ||
        ::VirtualProtect(committed, guard, PAGE_READWRITE | PAGE_GUARD, &before) == 0) {
      std::fprintf(stderr, "mapped_stack: error %lu\n", ::GetLastError());
      std::abort();
    }
    auto* const beyond = static_cast<std::uintptr_t*>(top());
    for (std::size_t i = 0; i < 32; ++i) beyond[i] = reinterpret_cast<std::uintptr_t>(&std::abort) + 1;
  }
  mapped_stack(const mapped_stack&) = delete;
  mapped_stack& operator=(const mapped_stack&) = delete;
  ~mapped_stack() { ::VirtualFree(base_, 0, MEM_RELEASE); }

  void* lowest() const noexcept { return base_; }
  void* bottom() const noexcept { return static_cast<char*>(base_) + page + guard; }
  void* top() const noexcept { return static_cast<char*>(bottom()) + bytes_; }
  std::size_t bytes() const noexcept { return bytes_; }

  void* tsan_handle = nullptr;

 private:
  static constexpr std::size_t page = 4096, guard = 3 * page, above = page;
  std::size_t bytes_;
  void* base_;
};

}  // namespace weft::testing
