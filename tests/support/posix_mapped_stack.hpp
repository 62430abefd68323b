// For mapped_stack.hpp, by mmap: its own mapping with a guard page below.
#pragma once
#include <sys/mman.h>  // mmap, mprotect, munmap

#include <cstddef>  // size_t
#include <cstdint>  // uintptr_t
#include <cstdio>   // perror
#include <cstdlib>  // abort

#include "context/sanitizer.hpp"

namespace weft::testing {

class mapped_stack {
 public:
  explicit mapped_stack(std::size_t bytes = std::size_t{128} * 1024) : bytes_(bytes) {
    base_ = ::mmap(nullptr, guard + bytes + above, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (base_ == MAP_FAILED || ::mprotect(base_, guard, PROT_NONE) != 0) {
      std::perror("mapped_stack");  // not an exception: some tests are built without them
      std::abort();
    }
    auto* const beyond = static_cast<std::uintptr_t*>(top());
    for (std::size_t i = 0; i < 32; ++i) beyond[i] = reinterpret_cast<std::uintptr_t>(&std::abort) + 1;
  }
  mapped_stack(const mapped_stack&) = delete;
  mapped_stack& operator=(const mapped_stack&) = delete;
  ~mapped_stack() {
    weft::detail::sanitizer_unpoison(bottom(), bytes_);
    weft::detail::sanitizer_release_handle(tsan_handle);
    ::munmap(base_, guard + bytes_ + above);
  }

  void* lowest() const noexcept { return base_; }
  void* bottom() const noexcept { return static_cast<char*>(base_) + guard; }
  void* top() const noexcept { return static_cast<char*>(base_) + guard + bytes_; }
  std::size_t bytes() const noexcept { return bytes_; }

  void* tsan_handle = nullptr;  // ThreadSanitizer's fiber, kept with the memory

 private:
  static constexpr std::size_t guard = 4096, above = 4096;
  std::size_t bytes_;
  void* base_;
};

}  // namespace weft::testing
