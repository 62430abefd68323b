// Installing guards, and knowing whether they hold. An answer of the kernel is not believed: qemu-user answers the
// marker call with success and does nothing. The probe therefore reads a marked page through a system call.
#include "stack/guard.hpp"

#include <cerrno>    // EFAULT
#include <cstdio>    // snprintf
#include <unistd.h>  // write

#include <weft/base/atomic.hpp>

#include "base/check.hpp"      // fatal
#include "stack/os.hpp"        // system calls
#include "stack/valgrind.hpp"  // on_valgrind

namespace weft::inline v0::detail {
namespace {

// Written under the lock that opens slots; the counters are atomic because statistics read them at any time.
constinit guard_policy policy;
constinit guard_support support;
constinit std::size_t mapping_budget = 0;  // 0: not yet asked for
constinit bool warned = false;
constinit atomic<std::size_t> by_markers{0}, by_protect{0}, unguarded{0};

void add(atomic<std::size_t>& counter, std::size_t n) noexcept {
  counter.fetch_add(n, memory_order_relaxed);  // relaxed: a figure, it publishes nothing
}

std::size_t budget() noexcept {
  if (mapping_budget == 0) {
    // A quarter stays free for the program's own files, libraries and heaps.
    mapping_budget = policy.mapping_budget != 0 ? policy.mapping_budget : os().max_mappings() / 4 * 3;
  }
  return mapping_budget;
}

constexpr std::uint64_t low_bits(std::size_t n) noexcept {
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

std::size_t install_markers(std::byte* first, std::size_t slot_bytes, unsigned count) noexcept {
  if (!support.known) {
    support = probe_guard_markers();
  }
  if (!support.markers) {
    return 0;
  }
  iovec ranges[64] = {};
  for (unsigned i = 0; i < count; ++i) {
    ranges[i] = {first + i * slot_bytes, guard_bytes(slot_bytes)};
  }
  int error = 0;  // whatever it is (EINVAL on locked memory, ENOMEM): the next kind of guard takes over
  return advise_ranges(ranges, count, madv_guard_install, support.many, error);
}

std::size_t install_protect(std::byte* first, std::size_t slot_bytes, unsigned count) noexcept {
  std::size_t done = 0;
  std::size_t used = 2 * by_protect.load(memory_order_relaxed);  // relaxed: written under the lock we hold
  for (; done < count && used + 2 <= budget(); ++done, used += 2) {
    if (os().protect(first + done * slot_bytes, guard_bytes(slot_bytes), PROT_NONE) != 0) {
      break;
    }
  }
  return done;
}

void warn_unguarded() noexcept {
  if (warned) {
    return;
  }
  warned = true;
  char text[400];
  const int length = std::snprintf(
      text, sizeof text,
      "weft: warning: from here on new fiber stacks have no guard page: the kernel has no guard markers (Linux 6.13, "
      "memory not locked) and %zu protected guards used up their share of mappings. An overflow is noticed only when "
      "the stack is returned. Raise vm.max_map_count or use fewer stacks.\n",
      by_protect.load(memory_order_relaxed));  // relaxed: written under the lock we hold
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text, static_cast<std::size_t>(length));
}

}  // namespace

guard_support probe_guard_markers() noexcept {
  if (on_valgrind()) return {.known = true};
  void* page = nullptr;
  if (os().map(3 * page_bytes, PROT_READ | PROT_WRITE, page) != 0) {
    return {};
  }
  std::byte* const at = static_cast<std::byte*>(page);
  guard_support found{.known = true};
  found.markers = os().advise(at, page_bytes, madv_guard_install) == 0 && os().read_by_kernel(at) == EFAULT;
  if (found.markers) {
    const iovec range{at + 2 * page_bytes, page_bytes};  // with a gap: two neighbours would prove less
    std::size_t advised = 0;
    found.many = os().advise_many(&range, 1, madv_guard_install, advised) == 0 && advised == page_bytes &&
                 os().read_by_kernel(range.iov_base) == EFAULT;
  }
  static_cast<void>(os().unmap(page, 3 * page_bytes));  // a failure leaves three untouched pages mapped, once
  return found;
}

guard_masks install_guards(std::byte* first, std::size_t slot_bytes, unsigned count) noexcept {
  std::size_t marked = 0;
  if (policy.first == guard_kind::markers) {
    marked = install_markers(first, slot_bytes, count);
    add(by_markers, marked);
  }
  std::size_t guarded = marked;
  if (guarded < count && policy.first != guard_kind::none) {
    guarded += install_protect(first + marked * slot_bytes, slot_bytes, count - static_cast<unsigned>(marked));
    add(by_protect, guarded - marked);
  }
  if (guarded < count) {
    warn_unguarded();
    add(unguarded, count - guarded);
  }
  return {.markers = low_bits(marked), .protect = low_bits(guarded) & ~low_bits(marked)};
}

// Not instrumented: the bytes belong to no object the sanitizer knows, and it may hold poison from a dead frame.
[[gnu::no_sanitize_address]] void check_canary(const stack& s) noexcept {
  const auto* word = reinterpret_cast<const volatile std::uint64_t*>(s.limit - canary_bytes);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < canary_bytes / sizeof *word; ++i) {
    seen |= word[i];
  }
  WEFT_CHECK(seen == 0, "a fiber overflowed its unguarded stack of %zu bytes at %p: memory below it is overwritten",
             stack_class_bytes(s.size_class), static_cast<const void*>(s.slot));
}

guard_counts count_guards() noexcept {
  return {.markers = by_markers.load(memory_order_relaxed),  // relaxed, all three: figures
          .protect = by_protect.load(memory_order_relaxed),
          .none = unguarded.load(memory_order_relaxed)};
}

void set_guard_policy_for_tests(const guard_policy& wanted) noexcept {
  policy = wanted;
  support = {};
  mapping_budget = 0;
  warned = false;
}

}  // namespace weft::inline v0::detail
