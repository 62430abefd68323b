// Sizes of stacks: classes are powers of two of the whole slot, and the smallest depends on the processor.
#include <algorithm>   // max
#include <sys/auxv.h>  // getauxval

#include "stack/guard.hpp"  // guard_bytes
#include "stack/stack.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr unsigned long tag_min_signal_stack = 51;       // AT_MINSIGSTKSZ; 0 when the kernel is older than 5.14
constexpr std::size_t own_need = std::size_t{8} * 1024;  // a throw, a printf, a backtrace: 4.7 KiB measured on x86-64
constexpr std::size_t colour_and_header = 1024;

}  // namespace

std::size_t usable_stack_bytes(unsigned size_class) noexcept {
  const std::size_t slot = stack_slot_bytes(size_class);
  return slot - guard_bytes(slot) - colour_and_header;
}

std::size_t smallest_stack_bytes_for(std::size_t signal_frame_bytes) noexcept {
  std::size_t bytes = min_stack_size;
  while (bytes < max_stack_size && bytes - guard_bytes(bytes) - colour_and_header < signal_frame_bytes + own_need) {
    bytes *= 2;
  }
  return bytes;
}

unsigned requested_stack_class(std::size_t bytes) noexcept {
  return stack_class_of(std::max(bytes, smallest_stack_bytes()));
}

std::size_t smallest_stack_bytes() noexcept { return smallest_stack_bytes_for(::getauxval(tag_min_signal_stack)); }

}  // namespace weft::inline v0::detail
