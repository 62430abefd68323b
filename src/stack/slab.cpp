// Reservation and opening of slabs. Slabs are never unmapped: fault reports may look into them at any time.
//
// Two locks. `opening` (a mutex, because system calls are made under it) is held by whoever reserves or opens; a
// class's spin lock covers its cold bits and its list of slabs and is taken inside. Readers of the table (find_slot)
// take neither: entries are only ever added, and an entry's `open` only grows.
#include "stack/slab.hpp"

#include <algorithm>   // clamp, min
#include <bit>         // bit_width, countr_zero, popcount
#include <cerrno>      // EINVAL, ENOMEM
#include <cstddef>     // offsetof
#include <mutex>       // mutex, lock_guard
#include <sys/auxv.h>  // getauxval

#include <weft/base/spin_lock.hpp>
#include "base/check.hpp"
#include "context/shadow_stack.hpp"  // refuse_shadow_stack
#include "stack/guard.hpp"           // install_guards
#include "stack/os.hpp"              // system calls

namespace weft::inline v0::detail {
namespace {

constexpr std::uint32_t slots_per_group = 64;
constexpr std::uint32_t max_slots = std::uint32_t{1} << 18;  // of one slab
constexpr std::uint32_t max_groups = max_slots / slots_per_group;
constexpr std::size_t page_table_reach = std::size_t{2} << 20;  // slabs start where a page table does
constexpr bool wide = sizeof(void*) == 8;
constexpr std::size_t max_slab_bytes = std::size_t{wide ? 64 : 1} << (wide ? 30 : 27);
constexpr std::size_t refused_divisor = wide ? 1024 : 8;  // where so much was refused, this part is tried
// Of 3 or 4 GiB threads and allocations are left some.
constexpr std::uint64_t most_reserved = wide ? ~std::uint64_t{0} : std::uint64_t{2} << 30;

// Bit i stands for slot i of the group. A slot that is open and not cold is a stack or claimed by a cache.
struct slot_group {
  std::uint64_t cold = 0;
  std::uint64_t markers = 0;
  std::uint64_t protect = 0;
};

// Mapped beside each slab, cut to its number of groups. Bit i of the summary: group i has cold slots.
struct slab_books {
  std::uint64_t summary[max_groups / 64] = {};
  slot_group groups[max_groups];
};

struct slab {
  std::byte* base = nullptr;
  slab_books* books = nullptr;
  slab* next_of_class = nullptr;  // under the class's lock
  std::size_t slot_bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t cold = 0;         // under the class's lock
  atomic<std::uint32_t> open{0};  // written under `opening`
  std::uint16_t index = 0;
  std::uint8_t size_class = 0;
};

struct class_slabs {
  spin_lock lock;
  slab* newest = nullptr;  // the only one with slots left to open
};

constinit std::mutex opening;
constinit slab table[max_slabs];
constinit atomic<std::uint32_t> table_size{0};
constinit class_slabs classes[stack_classes];
constinit std::uint64_t reserved = 0;  // bytes of all slabs; under `opening`

std::error_code system_error_code(int error) noexcept { return {error, std::generic_category()}; }

// 2^18 slots, within 64 GiB: few mappings for a million stacks, and 13 classes leave room for everybody else. Where the
// address space has 4 GiB, within 128 MiB: one of the largest stacks, hundreds of a usual size.
constexpr std::size_t full_slab_bytes(std::size_t slot_bytes) noexcept {
  return static_cast<std::size_t>(std::min<std::uint64_t>(std::uint64_t{slot_bytes} * max_slots, max_slab_bytes));
}

// Reserves `bytes` aligned to `alignment`: maps more and trims. A part that cannot be trimmed is lost address space.
int reserve(std::size_t bytes, std::size_t alignment, std::byte*& out) noexcept {
  const std::size_t extra = alignment - page_bytes;
  void* raw = nullptr;
  if (const int error = os().map(bytes + extra, PROT_NONE, raw); error != 0) {
    return error;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(raw);
  const std::size_t head = (alignment - begin % alignment) % alignment;
  out = static_cast<std::byte*>(raw) + head;
  if (head != 0) {
    static_cast<void>(os().unmap(raw, head));
  }
  if (head != extra) {
    static_cast<void>(os().unmap(out + bytes, extra - head));
  }
  // Under mlockall(MCL_FUTURE) the slab would become resident as it is opened, markers be refused, and all of it count
  // against RLIMIT_MEMLOCK. A failure is bearable: memory is then spent, and guards fall back to another kind.
  static_cast<void>(os().unlock(out, bytes));
  // EINVAL: a kernel without huge pages. Any other failure would make a parked fiber cost 2 MiB.
  if (const int error = os().advise(out, bytes, MADV_NOHUGEPAGE); error != 0 && error != EINVAL) {
    static_cast<void>(os().unmap(out, bytes));
    return error;
  }
  return 0;
}

// All of `bytes`; where that is refused (ulimit -v), a small part of it, so that the rest of the program is left some,
// and then half by half down to one slot.
int reserve_some(std::size_t slot_bytes, std::byte*& base, std::size_t& bytes) noexcept {
  const unsigned long page = ::getauxval(AT_PAGESZ);  // some kernels for AArch64 have 16 or 64 KiB
  WEFT_CHECK(page == page_bytes, "the pages of this kernel have %lu bytes, and weft has been made for 4096", page);
  int error = reserve(bytes, page_table_reach, base);
  for (std::size_t less = std::max(bytes / refused_divisor, slot_bytes); error != 0 && less >= slot_bytes; less /= 2) {
    bytes = less;
    error = reserve(bytes, page_table_reach, base);
  }
  return error;
}

// \pre `opening` is held
int add_slab(unsigned size_class) noexcept {
  const std::uint32_t index = table_size.load(memory_order_relaxed);  // relaxed: written under the lock we hold
  // Slabs stay for good, so a class without one gets a small one beyond the limit: else it could have none ever.
  const bool beyond = reserved >= most_reserved;
  if (index == max_slabs || (beyond && classes[size_class].newest != nullptr)) {  // which changes under `opening` only
    return ENOMEM;
  }
  refuse_shadow_stack(has_shadow_stack());
  const std::size_t slot_bytes = stack_slot_bytes(size_class);
  std::byte* base = nullptr;
  std::size_t bytes = full_slab_bytes(slot_bytes);
  if (beyond) bytes = std::max(slot_bytes, bytes / refused_divisor);
  if (const int error = reserve_some(slot_bytes, base, bytes); error != 0) {
    return error;
  }
  const auto slots = static_cast<std::uint32_t>(bytes / slot_bytes);
  const std::size_t groups = (slots + slots_per_group - 1) / slots_per_group;
  void* books = nullptr;
  if (const int error =
          os().map(offsetof(slab_books, groups) + groups * sizeof(slot_group), PROT_READ | PROT_WRITE, books);
      error != 0) {
    static_cast<void>(os().unmap(base, bytes));  // if even that fails, address space is lost, nothing else
    return error;
  }
  reserved += bytes;
  slab& added = table[index];
  added.base = base;
  added.books = static_cast<slab_books*>(books);  // fresh pages are zero: no slot is open, none cold
  added.slot_bytes = slot_bytes;
  added.slots = slots;
  added.index = static_cast<std::uint16_t>(index);
  added.size_class = static_cast<std::uint8_t>(size_class);
  class_slabs& of = classes[size_class];
  {
    const std::lock_guard hold(of.lock);
    added.next_of_class = of.newest;
    of.newest = &added;
  }
  table_size.store(index + 1, memory_order_release);  // pairs with find_slot(): the entry is complete
  return 0;
}

// Few at first, so that a small program does not pay for 64 guards; then 64, so that system calls are shared. At most
// 64 MiB, because a guard in a slot beyond 2 MiB has a page table of its own. Never across a group.
std::uint32_t batch_size(const slab& in, std::uint32_t open) noexcept {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  const auto most = static_cast<std::uint32_t>(std::clamp<std::size_t>(most_bytes / in.slot_bytes, 1, slots_per_group));
  const std::uint32_t wanted = std::clamp<std::uint32_t>(open, std::min<std::uint32_t>(most, 8), most);
  return std::min({wanted, slots_per_group - open % slots_per_group, in.slots - open});
}

void mark_cold(slab& in, std::uint32_t group, std::uint64_t slots) noexcept {
  in.books->groups[group].cold |= slots;
  in.books->summary[group / 64] |= std::uint64_t{1} << (group % 64);
  in.cold += static_cast<std::uint32_t>(std::popcount(slots));
}

// \pre `opening` is held, the slab has slots left
int open_batch(slab& in) noexcept {
  const std::uint32_t open = in.open.load(memory_order_relaxed);  // relaxed: written under the lock we hold
  std::byte* const first = in.base + open * in.slot_bytes;
  std::uint32_t count = batch_size(in, open);
  // The program may have called mlockall() since the slab was reserved; see reserve(). All that is still closed.
  static_cast<void>(os().unlock(first, (in.slots - open) * in.slot_bytes));
  int error = os().protect(first, count * in.slot_bytes, PROT_READ | PROT_WRITE);
  while (error != 0 && count > 1) {  // strict overcommit or a data limit: less may still fit
    count /= 2;
    error = os().protect(first, count * in.slot_bytes, PROT_READ | PROT_WRITE);
  }
  if (error != 0) {
    return error;
  }
  const guard_masks guards = install_guards(first, in.slot_bytes, count);
  in.open.store(open + count, memory_order_release);  // pairs with find_slot()

  const std::uint32_t group = open / slots_per_group, shift = open % slots_per_group;
  const std::uint64_t slots = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  const std::lock_guard hold(classes[in.size_class].lock);
  in.books->groups[group].markers |= guards.markers << shift;
  in.books->groups[group].protect |= guards.protect << shift;
  mark_cold(in, group, slots << shift);
  return 0;
}

// The lowest group with cold slots: low addresses first keeps page tables dense. \pre in.cold != 0, the lock is held
std::uint32_t lowest_cold_group(const slab& in) noexcept {
  std::uint32_t word = 0;
  while (in.books->summary[word] == 0) {
    ++word;
  }
  return word * 64 + static_cast<std::uint32_t>(std::countr_zero(in.books->summary[word]));
}

constexpr std::uint64_t lowest_bits(std::uint64_t of, unsigned n) noexcept {
  std::uint64_t rest = of;
  while (n-- != 0 && rest != 0) {
    rest &= rest - 1;
  }
  return of & ~rest;
}

}  // namespace

bool claim_cold_slots(unsigned size_class, unsigned want, slot_claim& claim) noexcept {
  class_slabs& of = classes[size_class];
  const std::lock_guard hold(of.lock);
  slab* from = of.newest;
  while (from != nullptr && from->cold == 0) {
    from = from->next_of_class;
  }
  if (from == nullptr) {
    return false;
  }
  const std::uint32_t number = lowest_cold_group(*from);
  slot_group& group = from->books->groups[number];
  claim = {.first = from->base + std::size_t{number} * slots_per_group * from->slot_bytes,
           .slots = lowest_bits(group.cold, want),
           .markers = group.markers,
           .protect = group.protect,
           .number = number * slots_per_group,
           .slab = from->index};
  group.cold &= ~claim.slots;
  from->cold -= static_cast<std::uint32_t>(std::popcount(claim.slots));
  if (group.cold == 0) {
    from->books->summary[number / 64] &= ~(std::uint64_t{1} << (number % 64));
  }
  return true;
}

void return_claim(unsigned size_class, slot_claim& claim) noexcept {
  if (claim.slots != 0) {
    const std::lock_guard hold(classes[size_class].lock);
    mark_cold(table[claim.slab], claim.number / slots_per_group, claim.slots);
    claim = {};
  }
}

void return_cold_slot(std::uint16_t index, std::byte* slot) noexcept {
  slab& in = table[index];
  const auto number = static_cast<std::uint32_t>(static_cast<std::size_t>(slot - in.base) / in.slot_bytes);
  const std::lock_guard hold(classes[in.size_class].lock);
  mark_cold(in, number / slots_per_group, std::uint64_t{1} << (number % slots_per_group));
}

std::error_code open_slots(unsigned size_class) noexcept {
  const std::lock_guard hold(opening);
  slab* newest = nullptr;
  bool have_cold = false;
  {
    const std::lock_guard look(classes[size_class].lock);
    newest = classes[size_class].newest;
    have_cold = newest != nullptr && newest->cold != 0;
  }
  if (have_cold) {
    return {};  // somebody opened a batch while we waited for the lock
  }
  if (newest == nullptr || newest->open.load(memory_order_relaxed) == newest->slots) {  // relaxed: we hold the lock
    if (const int error = add_slab(size_class); error != 0) {
      return system_error_code(error);
    }
    newest = &table[table_size.load(memory_order_relaxed) - 1];  // relaxed: we hold the lock
  }
  const int error = open_batch(*newest);
  return error == 0 ? std::error_code{} : system_error_code(error);
}

std::byte* find_slot(const void* address, std::size_t& slot_bytes) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const std::uint32_t size = table_size.load(memory_order_acquire);  // pairs with add_slab()
  for (std::uint32_t i = 0; i < size; ++i) {
    const slab& in = table[i];
    const auto base = reinterpret_cast<std::uintptr_t>(in.base);
    const std::size_t open = in.open.load(memory_order_acquire);  // pairs with open_batch(): guards are in place
    if (at >= base && at - base < open * in.slot_bytes) {
      slot_bytes = in.slot_bytes;
      return in.base + (at - base) / in.slot_bytes * in.slot_bytes;
    }
  }
  return nullptr;
}

slab_counts count_slabs() noexcept {
  slab_counts sum;
  sum.slabs = table_size.load(memory_order_acquire);  // pairs with add_slab()
  for (std::size_t i = 0; i < sum.slabs; ++i) {
    const std::lock_guard hold(classes[table[i].size_class].lock);
    sum.open += table[i].open.load(memory_order_relaxed);  // relaxed: a figure
    sum.cold += table[i].cold;
  }
  return sum;
}

}  // namespace weft::inline v0::detail
