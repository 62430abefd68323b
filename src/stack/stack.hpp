// Stacks for fibers: what a stack is and how a worker gets and returns one.
//
// A slot is guard + stack; stack sizes are powers of two of the whole slot, 16 KiB to 64 MiB. The header below lives at
// the top of the slot's own top page (coloured), which the first frame has paid for anyway.
#pragma once
#include <bit>           // bit_width
#include <chrono>        // nanoseconds
#include <cstddef>       // byte, size_t
#include <cstdint>       // fixed-width integers
#include <string_view>   // names of modes
#include <system_error>  // error_code

namespace weft::inline v0::detail {

inline constexpr std::size_t min_stack_size = std::size_t{16} * 1024;
inline constexpr std::size_t max_stack_size = std::size_t{64} * 1024 * 1024;
inline constexpr unsigned stack_classes = 13;  // 16 KiB << 0 .. 16 KiB << 12

// What may be asked for is the same on every machine.
constexpr bool is_stack_size(std::size_t bytes) noexcept { return bytes >= min_stack_size && bytes <= max_stack_size; }

// The smallest stack on which a signal handler still runs: where the processor's vector registers are large, so is the
// frame the kernel writes for a signal, and 16 KiB may not do. Smaller requests are rounded up to it.
std::size_t smallest_stack_bytes() noexcept;
std::size_t smallest_stack_bytes_for(std::size_t signal_frame_bytes) noexcept;

// The class for a request of `bytes` on this machine. \pre is_stack_size(bytes) (callers validate and throw).
unsigned requested_stack_class(std::size_t bytes) noexcept;

// The class whose slot holds `bytes`. \pre is_stack_size(bytes)
constexpr unsigned stack_class_of(std::size_t bytes) noexcept {
  constexpr unsigned smallest = std::bit_width(min_stack_size - 1);
  return static_cast<unsigned>(std::bit_width(bytes - 1)) - smallest;
}
constexpr std::size_t stack_class_bytes(unsigned size_class) noexcept { return min_stack_size << size_class; }
// The distance of two slots: one page more than the size. At a power of two the tops of all stacks would fall into a few
// sets of the TLB, and a switch between a thousand fibers would walk page tables each time.
constexpr std::size_t stack_slot_bytes(unsigned size_class) noexcept { return stack_class_bytes(size_class) + 4096; }
// What frames can use of a stack of the class: all but guard, header and colour.
std::size_t usable_stack_bytes(unsigned size_class) noexcept;

enum class guard_kind : std::uint8_t {
  none,     // budget of mappings used up: a canary just below the limit, warned about once
  markers,  // MADV_GUARD_INSTALL: no extra mapping
  protect,  // mprotect(PROT_NONE): two mappings each
};

// Header of a stack. `this` is also the exclusive end of what frames may use: the first frame goes below it.
struct alignas(64) stack {
  stack* next = nullptr;         // next in the same bundle of free stacks
  stack* next_bundle = nullptr;  // in the first stack of a bundle: the next bundle
  std::byte* limit = nullptr;    // lowest usable address, just above the guard
  std::byte* slot = nullptr;     // lowest address of the slot (guard included), page-aligned
  void* tsan_fiber = nullptr;    // ThreadSanitizer's handle, made on first use and kept with the stack
  std::uint32_t bundled = 0;     // in the first stack of a bundle: how many it has
  std::uint16_t slab = 0;        // which slab the slot lies in
  std::uint8_t size_class = 0;
  guard_kind guard = guard_kind::none;
  std::uint32_t valgrind_number = 0;  // src/stack/valgrind.hpp

  std::byte* top() noexcept { return reinterpret_cast<std::byte*>(this); }
  std::size_t usable_bytes() noexcept { return static_cast<std::size_t>(top() - limit); }
};

// Slots without pages that a cache has claimed: they become stacks, and are touched, one by one.
struct slot_claim {
  std::byte* first = nullptr;  // bit i of the masks stands for the slot at first + i * slot size
  std::uint64_t slots = 0;     // still to be taken
  std::uint64_t markers = 0;   // guarded by markers
  std::uint64_t protect = 0;   // guarded by protection; in neither mask: not at all
  std::uint64_t touched = 0;   // have their top page already: the lowest ones (touch_ahead.hpp)
  std::uint32_t number = 0;    // of the slot at `first` within its slab: the colour comes from it
  std::uint16_t slab = 0;
};

// What a recycled stack still holds of its last user. `keep` is the default: it costs nothing, and all fibers of a
// process share one trust. `zero` overwrites what was used; `drop` gives the pages back, so that the next use faults.
enum class stack_scrub : std::uint8_t { keep, zero, drop };

// Free stacks travel between caches and the depot in bundles: at most 64 stacks and 16 MiB of address space.
constexpr std::uint32_t stacks_per_bundle(unsigned size_class) noexcept {
  const std::uint32_t fitting = std::uint32_t{1024} >> size_class;
  return fitting > 64 ? 64 : (fitting == 0 ? 1 : fitting);
}

void check_canary(const stack& s) noexcept;  // fatal() when an unguarded stack was overflowed

// A worker's own free stacks: LIFO, unsynchronized, used by one thread at a time.
class stack_cache {
 public:
  stack_cache() noexcept = default;
  ~stack_cache() { return_all(); }
  stack_cache(const stack_cache&) = delete;
  stack_cache& operator=(const stack_cache&) = delete;

  // The stack put last, else some from the shared depot, else fresh ones. Null when none can be had: `error` says why.
  // No system call and no lock while the cache has one (unless it scrubs).
  stack* take(unsigned size_class, std::error_code& error) noexcept {
    shelf& from = shelves_[size_class];
    stack* const s = from.free;
    if (s == nullptr || scrub_ != stack_scrub::keep) [[unlikely]] {
      return take_slow(size_class, error);
    }
    from.free = s->next;
    --from.count;
    __builtin_prefetch(from.free);  // for the next take(): headers of stacks that idled are in no cache
    return s;
  }

  // O(1), no system call: the caller may still be standing on `s` until it switches away.
  void put(stack* s) noexcept {
    if (s->guard == guard_kind::none) [[unlikely]] {
      check_canary(*s);
    }
    shelf& to = shelves_[s->size_class];
    if (to.count == stacks_per_bundle(s->size_class)) [[unlikely]] {
      seal_bundle(to);
    }
    s->next = to.free;
    to.free = s;
    ++to.count;
  }

  // Moves what exceeds the cache's share to the depot (depot.hpp). Called between fibers, on the scheduler's own stack:
  // every 64 or so fibers that ended, and until it returns false before the worker sleeps. A call handles one bundle, by no
  // system call. \return false when there was nothing to do.
  bool trim() noexcept;
  // Gives everything to the depot.
  void return_all() noexcept;
  // No stack with pages is here: take() would claim untouched slots or go to the depot.
  bool empty(unsigned size_class) const noexcept {
    return shelves_[size_class].free == nullptr && shelves_[size_class].full == nullptr;
  }

  // What take() does with recycled stacks from now on. \pre between two calls of the others.
  void set_scrub(stack_scrub scrub) noexcept { scrub_ = scrub; }

 private:
  struct alignas(64) shelf {
    stack* free = nullptr;         // the open bundle, newest first
    stack* full = nullptr;         // sealed bundles, newest first
    std::uint32_t count = 0;       // stacks in the open bundle
    std::uint32_t full_count = 0;  // sealed bundles
    std::uint64_t made = 0;        // stacks out of claimed slots, ever
    slot_claim fresh;
  };

  stack* take_slow(unsigned size_class, std::error_code& error) noexcept;
  void seal_bundle(shelf& of) noexcept;
  void return_everything(unsigned size_class) noexcept;

  shelf shelves_[stack_classes];
  stack_scrub scrub_ = stack_scrub::keep;
  bool surplus_ = false;  // some shelf has more sealed bundles than it keeps
};

// How many free stacks the depot keeps with their pages, of all classes together, and after which time without use the
// rest lose them (depot.hpp).
void set_depot_high_water(std::size_t stacks) noexcept;
void set_depot_linger(std::chrono::nanoseconds time) noexcept;

// Bytes of `s` that have ever been touched since its pages were last given back, page-granular (mincore).
std::size_t stack_high_water(stack& s) noexcept;

// Where an address lies in the slabs of this process; async-signal-safe, lock-free. For fault reports.
enum class stack_zone : std::uint8_t { outside, guard, usable };
struct stack_location {
  stack_zone zone = stack_zone::outside;
  std::byte* slot = nullptr;
  std::size_t slot_bytes = 0;
};
stack_location locate_stack_address(const void* address) noexcept;

// Figures of the whole process, for tests, the demo and metrics.
struct stack_stats {
  std::size_t slots_open = 0;  // slots ever made usable
  std::size_t slabs = 0;
  std::size_t guards_by_markers = 0, guards_by_protect = 0, unguarded = 0;
  std::size_t depot_warm = 0, depot_cold = 0;  // free in the depot with and without pages
};
stack_stats read_stack_stats() noexcept;

}  // namespace weft::inline v0::detail
