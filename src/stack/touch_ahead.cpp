// MADV_POPULATE_WRITE for many ranges (Linux manual pages madvise(2), process_madvise(2); of one's own process since 6.13).
#include "stack/touch_ahead.hpp"

#include <algorithm>  // min
#include <bit>        // countr_zero
#include <cerrno>     // EINVAL, ENOSYS, EPERM
#include <cstddef>    // byte, size_t

#include <weft/base/atomic.hpp>

#include "stack/os.hpp"        // advise_many
#include "stack/valgrind.hpp"  // on_valgrind

namespace weft::inline v0::detail {
namespace {

constexpr int madv_populate_write = 23;  // MADV_POPULATE_WRITE, Linux 5.14; the C library's headers may be older
constexpr std::uint64_t most = 16;       // picked: half of a claim; the call's own cost is small by then
constexpr std::uint64_t fewest = 4;      // three calls are made for them, so that one or two are cheaper by faults
constinit atomic<bool> unable{false};    // the kernel has no such call

}  // namespace

std::uint64_t touch_ahead(unsigned size_class, const slot_claim& claim, std::uint64_t made) noexcept {
  const std::uint64_t wanted = std::min(most, made / 2);
  if (wanted < fewest || unable.load(memory_order_relaxed) || on_valgrind()) {  // relaxed: stale, it costs a call
    return 0;  // Valgrind knows no such call and says so each time
  }
  const std::size_t slot_bytes = stack_slot_bytes(size_class);
  iovec ranges[most] = {};
  std::size_t count = 0;
  std::uint64_t touched = 0;
  for (std::uint64_t rest = claim.slots; rest != 0 && count != wanted; rest &= rest - 1) {
    const int i = std::countr_zero(rest);
    ranges[count++] = {claim.first + static_cast<std::size_t>(i + 1) * slot_bytes - page_bytes, page_bytes};
    touched |= std::uint64_t{1} << i;
  }
  std::size_t advised = 0;
  const int error = os().advise_many(ranges, count, madv_populate_write, advised);
  if (error == EINVAL || error == ENOSYS || error == EPERM) {
    unable.store(true, memory_order_relaxed);  // relaxed: see above
  }
  // Whatever else it is, the memory is short: the use of a stack meets the same, one by one. What was done before the
  // failure is not known to be, and costs nothing more.
  return error == 0 && advised == count * page_bytes ? touched : 0;
}

}  // namespace weft::inline v0::detail
