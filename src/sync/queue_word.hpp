// The lock inside a primitive's word: one bit freezes the word while its owner works on the waiters, and one store gives
// back the lock and publishes the rest together. Apart from the waiters, so that a model checker can run it.
#pragma once
#include <cstdint>  // uintptr_t
#include <sched.h>  // sched_yield

#include <weft/base/atomic.hpp>  // memory orders, spin_pause

namespace weft::inline v0::detail {

inline constexpr std::uintptr_t queue_locked = 1;
inline constexpr std::uintptr_t queue_head = ~std::uintptr_t{7};

// Memory orders of the lock, one name per site, so that the model tests can weaken one at a time.
struct queue_orders {
  static constexpr auto lock = memory_order_acquire;    // the links, others' work; pairs with unlock
  static constexpr auto unlock = memory_order_release;  // pairs with lock, and with the primitives' own reads
};

// Waits for the owner of queue_locked, who has a few instructions to go unless its thread was preempted. Each look takes the
// word's cache line away from the owner, who then waits for it in the midst of its work: so looks are doubled pauses apart,
// and where two workers want one lock all the time each does a few operations in a row (Anderson, "The performance of spin
// lock alternatives for shared-memory multiprocessors", 1990).
class queue_spin {
 public:
  void pause() noexcept {
    if (pauses_ > longest) {
      ::sched_yield();
      return;
    }
    for (unsigned i = 0; i < pauses_; ++i) spin_pause();
    pauses_ *= 2;
  }

 private:
  static constexpr unsigned longest = 64;
  unsigned pauses_ = 8;  // picked: a line comes from another CPU in the time of five to ten
};

// Sets queue_locked. \return the word as it was
template <class Orders, class Spin = queue_spin, class Word>
auto lock_queue(Word& word) noexcept {
  for (Spin spin;;) {
    auto seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      spin.pause();
      // Failure relaxed: tried again.
    } else if (word.compare_exchange_weak(seen, seen | queue_locked, Orders::lock, memory_order_relaxed)) {
      return seen;
    }
  }
}

// The owner's last touch: new state, new head, lock free.
template <class Orders, class Word, class Integer>
void unlock_queue(Word& word, Integer value) noexcept {
  word.store(value, Orders::unlock);
}

// The waiters of one primitive in a circle of next and prev: the first one's prev is the last one. The owner of
// queue_locked works on it.
template <class Node>
class circle {
 public:
  circle() noexcept = default;
  explicit circle(std::uintptr_t word) noexcept : head_(reinterpret_cast<Node*>(word & queue_head)) {}

  bool empty() const noexcept { return head_ == nullptr; }
  Node* front() const noexcept { return head_; }
  std::uintptr_t bits() const noexcept { return reinterpret_cast<std::uintptr_t>(head_); }  // for the word

  void push_back(Node& w) noexcept {
    if (head_ == nullptr) {
      w.prev = &w;
      w.next = &w;
      head_ = &w;
    } else {
      w.next = head_;
      w.prev = head_->prev;
      w.prev->next = &w;
      head_->prev = &w;
    }
    w.linked = true;
  }
  void push_front(Node& w) noexcept {
    push_back(w);
    head_ = &w;
  }
  // \pre w.linked, in this list
  void remove(Node& w) noexcept {
    if (w.next == &w) {
      head_ = nullptr;
    } else {
      w.prev->next = w.next;
      w.next->prev = w.prev;
      if (head_ == &w) head_ = w.next;
    }
    w.linked = false;
  }
  Node* pop_front() noexcept {
    Node* const w = head_;
    if (w != nullptr) remove(*w);
    return w;
  }

 private:
  Node* head_ = nullptr;
};

}  // namespace weft::inline v0::detail
