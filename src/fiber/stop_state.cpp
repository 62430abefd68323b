// The stop state: its references, its mark and the list of its callbacks. Nothing here runs a callback or waits:
// src/sched/stop_callbacks.cpp does the one, src/sync/stop_callback.cpp the other.
#include <weft/fiber/stop_state.hpp>

#include <sched.h>  // sched_yield
#include <utility>  // exchange

#include <weft/base/debug_checks.hpp>  // lock_rank

namespace weft::inline v0::detail {
namespace {

stop_callback_node* first_of(std::uintptr_t word) noexcept {
  return reinterpret_cast<stop_callback_node*>(word & ~std::uintptr_t{7});
}
std::uintptr_t bits_of(stop_callback_node* first) noexcept { return reinterpret_cast<std::uintptr_t>(first); }

static_assert(alignof(stop_callback_node) >= 8, "three low bits of a callback's address are free");

}  // namespace

void stop_block::release() noexcept {
  if (references_.fetch_sub(1, memory_order_acq_rel) == 1) {  // pairs with the other releases: their reads are over
    delete this;
  }
}

// Sets `locked`. \return the word as it was. Held for a few instructions, never over a callback or a suspension.
std::uintptr_t stop_block::lock() noexcept {
  if (debug_checks()) [[unlikely]]
    note_lock(&word_, lock_rank::leaf);
  for (unsigned spins = 0;; ++spins) {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & locked) != 0) {
      if (spins < 64) {
        spin_pause();
      } else {
        ::sched_yield();  // its holder may have been preempted
      }
      // Acquire: the list; pairs with unlock(). Failure relaxed: tried again.
    } else if (word_.compare_exchange_weak(seen, seen | locked, memory_order_acquire, memory_order_relaxed)) {
      return seen;
    }
  }
}

void stop_block::unlock(std::uintptr_t value) noexcept {
  if (debug_checks()) [[unlikely]]
    note_unlock(&word_);
  word_.store(value, memory_order_release);  // pairs with lock() and stop_requested()
}

bool stop_block::mark_requested() noexcept {
  if (stop_requested()) return false;
  const std::uintptr_t seen = lock();
  unlock(seen | requested);
  return (seen & requested) == 0;
}

bool stop_block::add(stop_callback_node& node) noexcept {
  if (stop_requested()) return false;
  const std::uintptr_t seen = lock();
  if ((seen & requested) != 0) {
    unlock(seen);
    return false;
  }
  stop_callback_node* const second = first_of(seen);
  node.next = second;
  node.prev = nullptr;
  node.linked = true;
  if (second != nullptr) second->prev = &node;
  unlock(bits_of(&node));
  return true;
}

stop_block::removal stop_block::remove(stop_callback_node& node, fiber_id me, std::uint64_t to_wake) noexcept {
  const std::uintptr_t seen = lock();
  stop_callback_node* first = first_of(seen);
  removal result = removal::done;
  if (node.linked) {
    (node.prev != nullptr ? node.prev->next : first) = node.next;
    if (node.next != nullptr) node.next->prev = node.prev;
    node.linked = false;
  } else if (running_ == &node && runner_ != me) {
    waiting_ = to_wake;
    result = removal::running_elsewhere;
  }
  unlock(bits_of(first) | (seen & requested));
  return result;
}

// Takes the newest callback off the list, as the one that runs. Null: there is none.
stop_callback_node* stop_block::begin_next(fiber_id runner) noexcept {
  const std::uintptr_t seen = lock();
  stop_callback_node* const node = first_of(seen);
  if (node == nullptr) {
    unlock(seen);
    return nullptr;
  }
  if (node->next != nullptr) node->next->prev = nullptr;
  node->linked = false;
  running_ = node;
  runner_ = runner;
  unlock(bits_of(node->next) | (seen & requested));
  return node;
}

// \return the wait to be woken, or 0
std::uint64_t stop_block::end_running() noexcept {
  const std::uintptr_t seen = lock();
  running_ = nullptr;
  const std::uint64_t to_wake = std::exchange(waiting_, 0);
  unlock(seen);
  return to_wake;
}

}  // namespace weft::inline v0::detail
