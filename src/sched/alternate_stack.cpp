// sigaltstack of worker threads.
#include "sched/alternate_stack.hpp"

#include <algorithm>   // max
#include <csignal>     // sigaltstack
#include <sys/auxv.h>  // getauxval
#include <sys/mman.h>  // mmap

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51  // older libc headers; the kernel answers 0 when it does not know it
#endif

namespace weft::inline v0::detail {

// Without one (no memory, say) the program still runs; an overflow then dies without its report.
alternate_stack::alternate_stack() noexcept {
  stack_t present{};
  if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  // The signal frame (2.7 KiB with AVX-512, 11 KiB with AMX) plus what the report needs.
  bytes_ = std::max<std::size_t>(std::size_t{64} * 1024, ::getauxval(AT_MINSIGSTKSZ) + std::size_t{32} * 1024);
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  const stack_t mine{.ss_sp = memory, .ss_flags = 0, .ss_size = bytes_};
  if (::sigaltstack(&mine, nullptr) == 0) {
    memory_ = memory;
  } else {
    ::munmap(memory, bytes_);
  }
}

alternate_stack::~alternate_stack() {
  if (memory_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  if (::sigaltstack(&none, nullptr) == 0) ::munmap(memory_, bytes_);
}

}  // namespace weft::inline v0::detail
