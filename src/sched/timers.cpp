// The timer heap.
#include "sched/timers.hpp"

#include <algorithm>    // min
#include <type_traits>  // is_trivially_copyable

#include "base/check.hpp"
#include "stack/os.hpp"  // map, remap, advise

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t arity = 4;           // shallower than binary; four children share two cache lines
constexpr std::size_t sweep_minimum = 64;  // below this a sweep is not worth its walk
constexpr std::size_t kept_bytes = std::size_t{256} * 1024;  // of an empty heap; what a peak took above it goes back

// Entries that n fibers can cause: one each that is live, or whose fiber has not run since it was woken; and as many
// left behind as sweep_majority() lets be.
constexpr std::size_t most_entries(std::size_t n) noexcept { return n + (n > sweep_minimum ? n : sweep_minimum) + 1; }

constexpr std::size_t whole_pages(std::size_t bytes) noexcept { return (bytes + page_bytes - 1) & ~(page_bytes - 1); }

static_assert(std::is_trivially_copyable_v<timer_heap::entry>, "moved by the kernel");

}  // namespace

timer_heap::~timer_heap() {
  if (heap_ != nullptr) {
    static_cast<void>(os().unmap(heap_, capacity_ * sizeof(entry)));  // at the process's end: nothing to do about it
  }
}

bool timer_heap::grow(std::size_t fibers) noexcept {
  const std::size_t bytes = whole_pages(most_entries(fibers) * sizeof(entry));
  void* at = nullptr;
  if (heap_ == nullptr) {
    if (os().map(bytes, PROT_READ | PROT_WRITE, at) != 0) return false;
  } else if (os().remap(heap_, whole_pages(capacity_ * sizeof(entry)), bytes, at) != 0) {
    return false;
  }
  heap_ = static_cast<entry*>(at);
  capacity_ = bytes / sizeof(entry);
  fibers_ = fibers;
  return true;
}

bool timer_heap::is_live(const entry& e) noexcept {
  const std::uint64_t word = e.who->word.load(memory_order_relaxed);  // relaxed: a hint; claims decide
  return (word & parker::armed) != 0 && static_cast<std::uint32_t>(word >> parker::generation_shift) == e.generation;
}

void timer_heap::add(time_point deadline, parker& who, std::uint32_t generation) noexcept {
  if (size_ == capacity_) [[unlikely]] {  // only if somebody adds more than one timer for a fiber
    sweep();
    WEFT_CHECK(size_ < capacity_ || grow(fibers_ * 2 + 1), "no memory for a timer that nobody reserved room for");
  }
  if (++size_ > peak_) peak_ = size_;
  sift_up(size_ - 1, {deadline, &who, generation});
}

void timer_heap::note_abandoned() noexcept {
  ++abandoned_;
  sweep_majority();
}

bool timer_heap::pop_due(time_point now, entry& out) noexcept {
  if (size_ == 0 || heap_[0].deadline > now) return false;
  out = heap_[0];
  if (!is_live(out) && abandoned_ > 0) --abandoned_;
  remove_first();
  return true;
}

void timer_heap::tidy() noexcept {
  sweep_majority();
  if (size_ == 0 && peak_ * sizeof(entry) > kept_bytes) [[unlikely]] {
    // A refusal costs memory and nothing else.
    static_cast<void>(os().advise(reinterpret_cast<std::byte*>(heap_) + kept_bytes,
                                  whole_pages(peak_ * sizeof(entry)) - kept_bytes, MADV_DONTNEED));
    peak_ = 0;
  }
}

time_point timer_heap::next_deadline() noexcept {
  while (size_ != 0 && !is_live(heap_[0])) {
    remove_first();
    if (abandoned_ > 0) --abandoned_;
  }
  return size_ == 0 ? no_deadline : heap_[0].deadline;
}

void timer_heap::clear() noexcept {
  size_ = 0;
  abandoned_ = 0;
  tidy();
}

void timer_heap::sift_up(std::size_t hole, const entry& e) noexcept {
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / arity;
    if (heap_[parent].deadline <= e.deadline) break;
    heap_[hole] = heap_[parent];
    hole = parent;
  }
  heap_[hole] = e;
}

void timer_heap::sift_down(std::size_t hole, const entry& e) noexcept {
  for (std::size_t first = hole * arity + 1; first < size_; first = hole * arity + 1) {
    const std::size_t end = std::min(first + arity, size_);
    std::size_t least = first;
    for (std::size_t c = first + 1; c < end; ++c) {
      if (heap_[c].deadline < heap_[least].deadline) least = c;
    }
    if (e.deadline <= heap_[least].deadline) break;
    heap_[hole] = heap_[least];
    hole = least;
  }
  heap_[hole] = e;
}

void timer_heap::remove_first() noexcept {
  if (--size_ == 0) return;
  const entry last = heap_[size_];
  sift_down(0, last);
}

void timer_heap::sweep_majority() noexcept {
  if (abandoned_ > sweep_minimum && abandoned_ * 2 > size_) [[unlikely]]
    sweep();
}

void timer_heap::sweep() noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    if (is_live(heap_[i])) heap_[kept++] = heap_[i];
  }
  size_ = kept;
  if (kept > 1) {
    for (std::size_t i = (kept - 2) / arity + 1; i-- > 0;) {
      const entry e = heap_[i];
      sift_down(i, e);  // Floyd's heap construction
    }
  }
  abandoned_ = 0;
}

}  // namespace weft::inline v0::detail
