// Record chunks and their remote free list.
#include "fiber/record_pool.hpp"

#include <new>         // placement new
#include <sys/mman.h>  // mmap

namespace weft::inline v0::detail {

constinit atomic<record_pool::chunk*> record_pool::newest_{nullptr};

record_pool& record_pool::of(const fiber_record& r) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(&r) & ~(std::uintptr_t{chunk::bytes} - 1);
  return *reinterpret_cast<const chunk*>(address)->pool;
}

void record_pool::put_remote(fiber_record& r) noexcept {
  fiber_record* head = remote_.load(memory_order_relaxed);  // relaxed: the exchange below re-reads it
  do {
    r.next = head;
  } while (!remote_.compare_exchange_weak(head, &r, memory_order_release,  // pairs with the exchange in refill()
                                          memory_order_relaxed));          // relaxed: only retried
}

fiber_record* record_pool::refill() noexcept {
  free_ = remote_.exchange(nullptr, memory_order_acquire);  // pairs with put_remote(); taken whole, so no ABA
  if (free_ != nullptr) return free_;
  chunk* c = add_chunk();
  if (c == nullptr) return nullptr;
  for (std::size_t i = chunk::records; i-- > 0;) {
    fiber_record* r = ::new (static_cast<void*>(&c->at(i))) fiber_record;
    put(*r);
  }
  // Pairs with for_each(): the records above are constructed. Sequentially consistent: before the spawner's look at the
  // runtime's stop flag, as stop_everything() sets the flag before it looks for records.
  chunks_.store(c, memory_order_seq_cst);
  make_known(*c);
  return free_;
}

void record_pool::make_known(chunk& c) noexcept {
  chunk* newest = newest_.load(memory_order_acquire);  // pairs with the exchange below: its number
  do {
    c.made_before = newest;
    c.number = newest == nullptr ? 0 : newest->number + 1;
    // Release: pairs with for_each_of_all(): the records are constructed. Acquire: as above.
  } while (!newest_.compare_exchange_weak(newest, &c, memory_order_acq_rel, memory_order_acquire));
}

// Mappings double up to 16 MiB, so that a million fibers cost few of them; pages are committed as chunks are cut.
record_pool::chunk* record_pool::add_chunk() noexcept {
  if (region_left_ == 0) {
    const std::size_t want = next_region_;
    void* raw = ::mmap(nullptr, want + chunk::bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    const auto start = reinterpret_cast<std::uintptr_t>(raw);
    const auto aligned = (start + chunk::bytes - 1) & ~(std::uintptr_t{chunk::bytes} - 1);
    region_ = static_cast<std::byte*>(raw) + (aligned - start);
    region_left_ = want;
    if (next_region_ < std::size_t{16} * 1024 * 1024) next_region_ *= 2;
  }
  chunk* c =
      ::new (static_cast<void*>(region_)) chunk{this, chunks_.load(memory_order_relaxed)};  // relaxed: owner wrote it
  region_ += chunk::bytes;
  region_left_ -= chunk::bytes;
  return c;
}

}  // namespace weft::inline v0::detail
