#include "context/shadow_stack.hpp"

#include <cstdint>      // uintptr_t
#include <sys/prctl.h>  // prctl

#include "base/check.hpp"

namespace weft::inline v0::detail {

// Where there is none, the instruction does nothing: Intel SDM, volume 2, RDSSP.
#if defined(__x86_64__)

bool has_shadow_stack() noexcept {
  std::uintptr_t pointer = 0;
  asm volatile("rdsspq %0" : "+r"(pointer));
  return pointer != 0;
}

#elif defined(__i386__)

bool has_shadow_stack() noexcept {
  std::uintptr_t pointer = 0;
  asm volatile("rdsspd %0" : "+r"(pointer));
  return pointer != 0;
}

#else

// One call for all other processors, which kernels before 6.13 do not know: they have none. Linux, <linux/prctl.h>.
bool has_shadow_stack() noexcept {
  constexpr int get_shadow_stack_status = 74;
  constexpr unsigned long enabled = 1;
  unsigned long status = 0;
  return ::prctl(get_shadow_stack_status, &status, 0UL, 0UL, 0UL) == 0 && (status & enabled) != 0;
}

#endif

void refuse_shadow_stack(bool has) noexcept {
  WEFT_CHECK(
      !has,
      "this thread runs with a shadow stack, which switches of stacks do not keep; start the program without, as by "
      "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off on x86, and make no call that turns it on");
}

}  // namespace weft::inline v0::detail
