// A worker's stealable deque of fibers that may start anywhere: the owner pushes and pops the newest at the bottom,
// thieves (and the owner, when it wants the oldest) take at the top.
//
// Chase and Lev, "Dynamic circular work-stealing deque" (SPAA 2005), with the memory orders of Le, Pop, Cohen and
// Zappa Nardelli, "Correct and efficient work-stealing for weak memory models" (PPoPP 2013), but with sequentially
// consistent operations in place of the fences, which ThreadSanitizer does not understand.
//
// The one idea: top only grows, and each index is given away once. The owner gives away indices near the bottom without
// a compare-exchange; only for the last element does it compete with the thieves, by a compare-exchange on top.
//
//   owner, pop                                     thief, steal
//   1. bottom = b - 1        (seq_cst exchange)    1. t = top       (seq_cst load)
//   2. t = top               (seq_cst load)        2. b = bottom    (seq_cst load)
//   3. t < b - 1: takes b - 1 as is                3. t < b: reads slot t
//      t = b - 1: top: t -> t + 1, or lost         4. top: t -> t + 1, or lost
// Why not both take b - 1 as is: the thief would have read top = b - 1 and then bottom = b, so before the owner's 1 in
// the single total order; then the owner's 2, which is after it, reads top >= b - 1 and competes.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // int64_t, uint8_t
#include <memory>   // construct_at, destroy_at
#include <new>      // operator new, nothrow

#include <weft/base/atomic.hpp>  // real_atomics, memory orders
#include <weft/base/config.hpp>  // WEFT_CACHE_LINE

namespace weft::inline v0::detail {

enum class steal_result : std::uint8_t {
  success,
  empty,
  lost_race,  // somebody else took the one we wanted: there may be more
};

// Memory orders of the deque, one name per site, so that the model tests can weaken one at a time.
struct deque_orders {
  // Acquire: pairs with steal_take: a slot is overwritten only after the thief that owned it has read it.
  static constexpr auto push_top = memory_order_acquire;
  static constexpr auto push_bottom = memory_order_release;  // pairs with steal_bottom: the item's contents
  // As push_bottom; and before the publisher's look at the idle word: pairs with scan_bottom, see idle.hpp.
  static constexpr auto publish_bottom = memory_order_seq_cst;
  static constexpr auto grow = memory_order_release;        // pairs with steal_ring: the copied slots
  static constexpr auto pop_bottom = memory_order_seq_cst;  // before pop_top; pairs with steal_bottom
  static constexpr auto pop_top = memory_order_seq_cst;     // after pop_bottom; pairs with steal_take
  static constexpr auto steal_top = memory_order_seq_cst;   // before steal_bottom; pairs with steal_take
  // After steal_top; pairs with pop_bottom, and as acquire with push_bottom.
  static constexpr auto steal_bottom = memory_order_seq_cst;
  static constexpr auto steal_ring = memory_order_acquire;   // pairs with grow
  static constexpr auto steal_take = memory_order_seq_cst;   // pairs with pop_top, steal_top, push_top
  static constexpr auto scan_bottom = memory_order_seq_cst;  // pairs with publish_bottom, see idle.hpp
};

// | word    | meaning                                                        | who changes it                       |
// |---------|----------------------------------------------------------------|--------------------------------------|
// | top_    | index of the oldest item not given away; only grows            | thieves, and the owner for the last  |
// | bottom_ | index after the newest item; bottom_ <= top_ means empty       | owner (pop lowers it, then may undo) |
// | ring_   | where indices map to slots; null before the first push         | owner, when full                     |
// | slot    | item of the indices equal to it modulo the capacity            | owner                                |
template <class T, class Atomics = real_atomics, class Orders = deque_orders>
class work_deque {
 public:
  static constexpr std::size_t default_capacity = 256;  // 2 KiB; a spawn tree of a million leaves stays far below

  // Allocates nothing: the first push does. \pre initial_capacity is a power of two.
  explicit work_deque(std::size_t initial_capacity = default_capacity) noexcept
      : initial_capacity_(static_cast<index>(initial_capacity)) {}
  ~work_deque() {
    free_retired();
    free_ring(ring_.load(memory_order_relaxed));  // relaxed: the destructor runs alone
  }
  work_deque(const work_deque&) = delete;
  work_deque& operator=(const work_deque&) = delete;

  // Owner. Thieves will see it, but nobody is told: for a runtime of one worker, or when push_published() follows.
  // False when full and there is no memory for more: nothing has changed.
  bool push(T* item) noexcept {
    const index b = bottom_.load(memory_order_relaxed);  // relaxed: only the owner writes bottom_
    if (!make_room(b)) {
      return false;
    }
    store_slot(b, item);
    bottom_.store(b + 1, Orders::push_bottom);
    return true;
  }

  // Owner. As push(), and a load of the idle word that follows cannot move before it: the caller owes sleeping workers
  // that look, idle_set::should_wake().
  bool push_published(T* item) noexcept {
    const index b = bottom_.load(memory_order_relaxed);  // relaxed: only the owner writes bottom_
    if (!make_room(b)) {
      return false;
    }
    store_slot(b, item);
    bottom_.exchange(b + 1, Orders::publish_bottom);
    return true;
  }

  // Owner: room for the first items, so that a push fails only beyond them. \return false: no memory
  bool reserve_first() noexcept {
    return make_room(bottom_.load(memory_order_relaxed));  // relaxed: only the owner writes bottom_
  }

  // Owner: `item` is the newest. When it is the only one, a thief may yet be faster.
  bool is_newest(const T* item) noexcept {
    const index b = bottom_.load(memory_order_relaxed);  // relaxed: only the owner writes bottom_
    // Relaxed: top_ only grows, so that an old value errs towards yes, and taking the item decides.
    return top_.load(memory_order_relaxed) < b && load_slot(b - 1) == item;
  }

  // Owner: the newest; null when empty.
  T* pop() noexcept {
    const index old_bottom = bottom_.load(memory_order_relaxed);  // relaxed: only the owner writes bottom_
    // Relaxed: top_ only grows, so that an old value errs towards the full protocol below.
    if (top_.load(memory_order_relaxed) >= old_bottom) {
      return nullptr;
    }
    const index b = old_bottom - 1;
    bottom_.exchange(b, Orders::pop_bottom);
    index t = top_.load(Orders::pop_top);
    if (t < b) {
      return load_slot(b);
    }
    // The last one, or none: compete by raising top_ as a thief does. Relaxed: only who is first counts, the item is
    // the owner's own; nobody draws conclusions from this value of top_ except that a compare-exchange would fail.
    T* const last = t == b ? load_slot(b) : nullptr;
    const bool won = t == b && top_.compare_exchange_strong(t, t + 1, memory_order_relaxed, memory_order_relaxed);
    // Relaxed: now top_ >= bottom_, so that whoever reads this value takes nothing on the strength of it.
    bottom_.store(old_bottom, memory_order_relaxed);
    return won ? last : nullptr;
  }

  // Owner, when no thief exists (a runtime of one worker): the newest, without the locked instruction of pop().
  T* pop_alone() noexcept {
    const index b = bottom_.load(memory_order_relaxed);  // relaxed: only the owner touches the deque
    if (top_.load(memory_order_relaxed) >= b) {          // relaxed: as above
      return nullptr;
    }
    T* const newest = load_slot(b - 1);
    bottom_.store(b - 1, memory_order_relaxed);  // relaxed: as above
    return newest;
  }

  // Any thread: the oldest.
  steal_result steal(T*& item) noexcept {
    index t = top_.load(Orders::steal_top);
    const index b = bottom_.load(Orders::steal_bottom);
    if (t >= b) {
      return steal_result::empty;
    }
    ring* const from = ring_.load(Orders::steal_ring);
    // Relaxed: steal_bottom has made the item visible. The slot may be overwritten meanwhile, but then top_ has moved.
    T* const oldest = from->slot(t).load(memory_order_relaxed);
    // Failure relaxed: `oldest` belongs to somebody else and is not looked at.
    if (!top_.compare_exchange_strong(t, t + 1, Orders::steal_take, memory_order_relaxed)) {
      return steal_result::lost_race;
    }
    item = oldest;
    return steal_result::success;
  }

  // Any thread. Not a hint: a worker that has announced its sleep and reads true will be woken for what is published
  // later. An item that its owner or a thief is just taking does not count.
  bool empty() const noexcept {
    const index t = top_.load(memory_order_relaxed);  // relaxed: top_ only grows, an old value errs towards "not empty"
    return bottom_.load(Orders::scan_bottom) <= t;
  }

  // Any thread; out of date at once.
  std::size_t size_hint() const noexcept {
    const index t = top_.load(memory_order_relaxed);     // relaxed: a hint
    const index b = bottom_.load(memory_order_relaxed);  // relaxed: a hint
    return b > t ? static_cast<std::size_t>(b - t) : 0;
  }

  // Owner: frees the rings that growth has replaced. \pre no thief is inside steal().
  void free_retired() noexcept {
    while (retired_ != nullptr) {
      ring* const older = retired_->older;
      free_ring(retired_);
      retired_ = older;
    }
  }

 private:
  using index = std::int64_t;  // never wraps: 2^63 pushes
  using slot_type = typename Atomics::template atomic<T*>;

  // A power of two of slots, in the same allocation behind the header.
  struct ring {
    index capacity;
    ring* older;  // retired before this one

    slot_type& slot(index i) noexcept { return reinterpret_cast<slot_type*>(this + 1)[i & (capacity - 1)]; }
  };
  static_assert(sizeof(ring) % alignof(slot_type) == 0 && alignof(slot_type) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  // Relaxed: publish_bottom or push_bottom publishes what is stored; the owner reads what it stored itself.
  void store_slot(index i, T* item) noexcept { owners_ring().slot(i).store(item, memory_order_relaxed); }
  T* load_slot(index i) noexcept { return owners_ring().slot(i).load(memory_order_relaxed); }
  ring& owners_ring() noexcept { return *ring_.load(memory_order_relaxed); }  // relaxed: only the owner writes ring_

  bool make_room(index b) noexcept {
    if (b - top_seen_ < capacity_) [[likely]] {
      return true;
    }
    top_seen_ = top_.load(Orders::push_top);
    return b - top_seen_ < capacity_ || grow(b);
  }

  // Thieves may still read the old ring: what they can win there stays valid, as only the new one is written from now
  // on.
  [[gnu::noinline]] bool grow(index b) noexcept {
    const index capacity = capacity_ == 0 ? initial_capacity_ : capacity_ * 2;
    ring* const bigger = make_ring(capacity);
    if (bigger == nullptr) {
      return false;
    }
    ring* const old = ring_.load(memory_order_relaxed);  // relaxed: only the owner writes ring_
    for (index i = top_seen_; i < b; ++i) {
      bigger->slot(i).store(load_slot(i), memory_order_relaxed);  // relaxed: published by the store of ring_
    }
    ring_.store(bigger, Orders::grow);
    capacity_ = capacity;
    if (old != nullptr) {
      old->older = retired_;
      retired_ = old;
    }
    return true;
  }

  static ring* make_ring(index capacity) noexcept {
    const auto slots = static_cast<std::size_t>(capacity);
    void* const memory = ::operator new(sizeof(ring) + slots * sizeof(slot_type), std::nothrow);
    if (memory == nullptr) {
      return nullptr;
    }
    ring* const made = ::new (memory) ring{capacity, nullptr};
    for (index i = 0; i < capacity; ++i) {
      std::construct_at(&made->slot(i));
    }
    return made;
  }

  static void free_ring(ring* r) noexcept {
    if (r == nullptr) {
      return;
    }
    for (index i = 0; i < r->capacity; ++i) {
      std::destroy_at(&r->slot(i));
    }
    ::operator delete(r);
  }

  alignas(WEFT_CACHE_LINE) typename Atomics::template atomic<index> top_{0};
  alignas(WEFT_CACHE_LINE) typename Atomics::template atomic<index> bottom_{0};
  typename Atomics::template atomic<ring*> ring_{nullptr};
  // The owner's own. top_seen_ is an old value of top_: pushing need not look at the thieves' cache line each time.
  index top_seen_ = 0;
  index capacity_ = 0;
  ring* retired_ = nullptr;
  index initial_capacity_;
};

}  // namespace weft::inline v0::detail
