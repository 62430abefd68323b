// A worker's inbox: where other threads put started fibers that have become ready. Many producers, one consumer.
// The one idea: "asleep" is a value of the same word as the queue, so that a push and falling asleep cannot miss each
// other; the producer that replaces the marker owns the wake-up, and there is no separate sleeper flag to race with.
#pragma once
#include <bit>      // endian
#include <cstddef>  // byte, size_t
#include <cstdint>  // uintptr_t, uint8_t, uint32_t

#include <weft/base/atomic.hpp>  // real_atomics, memory orders
#include <weft/base/config.hpp>  // WEFT_CACHE_LINE

namespace weft::inline v0::detail {

// How a worker sleeps: what a waker has to do after it took the marker.
enum class sleep_kind : std::uint8_t {
  none = 0,    // awake: nothing to do
  futex = 1,   // in a futex wait on the inbox's word
  poller = 2,  // in its poller: poller::wake()
};

// Memory orders of the inbox, one name per site, so that the model tests can weaken one at a time.
struct inbox_orders {
  // Release: the node and the fiber's state; pairs with take_all() and wake_up(). Acquire, when a marker is replaced:
  // pairs with fall_asleep(): what the sleeper wrote (its poller, say) is there for the wake-up.
  static constexpr auto push = memory_order_acq_rel;
  static constexpr auto take_all = memory_order_acquire;  // pairs with push()
  // Sequentially consistent: the marker is set before the sleeper's last look at the other workers' queues; pairs with
  // the publications and with hint() and poke() of the publisher, see idle.hpp. Release: pairs with push() and poke().
  static constexpr auto fall_asleep = memory_order_seq_cst;
  static constexpr auto wake_up = memory_order_acquire;  // pairs with push() and poke(): why we were woken
  static constexpr auto hint = memory_order_seq_cst;     // pairs with fall_asleep(), see idle.hpp
  // Acquire: pairs with fall_asleep(). Release: the work that poke() announces; pairs with wake_up().
  static constexpr auto poke = memory_order_acq_rel;
};

// | value of the word | meaning                               | who changes it, to what                              |
// |-------------------|---------------------------------------|------------------------------------------------------|
// | 0                 | empty, the owner is awake             | anyone: push to a node; owner: fall_asleep to 1 or 2 |
// | 1                 | empty, the owner sleeps on the futex  | anyone: push to a node, poke to 0; owner: wake_up    |
// | 2                 | empty, the owner sleeps in its poller | as 1                                                 |
// | address of a node | the newest of a stack, linked by next | anyone: push to a newer node; owner: take_all to 0   |
template <class Node, class Atomics = real_atomics, class Orders = inbox_orders>
class alignas(WEFT_CACHE_LINE) inbox {
 public:
  inbox() noexcept = default;
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;

  // Any thread. Returns which sleep this push ended: unless none, the caller owns the wake-up and must count it
  // (idle_set::count_woken) and send it. Does not touch `node` or the inbox's owner after the word has changed.
  sleep_kind push(Node* node) noexcept {
    std::uintptr_t head = word_.load(memory_order_relaxed);  // relaxed: a first guess, checked by the compare-exchange
    do {
      node->next = is_node(head) ? to_node(head) : nullptr;
      // Failure relaxed: `head` is only compared and stored, never followed.
    } while (!word_.compare_exchange_weak(head, to_word(node), Orders::push, memory_order_relaxed));
    return to_kind(head);
  }

  // Owner. All nodes, oldest first; null when there are none.
  Node* take_all() noexcept {
    // Relaxed: nobody but the owner removes nodes, so that a node seen here is still there for the exchange; and a
    // node not seen yet will be: fall_asleep() fails as long as there is one.
    if (!is_node(word_.load(memory_order_relaxed))) {
      return nullptr;
    }
    Node* newest = to_node(word_.exchange(0, Orders::take_all));
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* const older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

  // Owner: false when take_all() would find something. May be late by a moment.
  bool empty_hint() const noexcept {
    return !is_node(word_.load(memory_order_relaxed));  // relaxed: a hint, take_all() synchronizes
  }

  // Owner: sets the marker. False when there are nodes. From here on a push or a poke may claim the wake-up.
  bool fall_asleep(sleep_kind kind) noexcept {
    std::uintptr_t awake = 0;
    // Failure relaxed: there is a node, and take_all() synchronizes with whoever pushed it.
    return word_.compare_exchange_strong(awake, to_word(kind), Orders::fall_asleep, memory_order_relaxed);
  }

  // Owner, after fall_asleep(), whatever ended the sleep: clears the marker. False when somebody else had taken it,
  // so that the owner has been counted as a searcher by its waker (whose message may still be under way).
  bool wake_up() noexcept {
    std::uintptr_t seen = word_.load(Orders::wake_up);
    while (seen == to_word(sleep_kind::futex) || seen == to_word(sleep_kind::poller)) {
      if (word_.compare_exchange_strong(seen, 0, Orders::wake_up, Orders::wake_up)) {
        return true;
      }
    }
    return false;
  }

  // Any thread: ends the sleep, if there is one. Unless it returns none, the caller owns the wake-up.
  sleep_kind poke() noexcept {
    std::uintptr_t seen = word_.load(Orders::hint);
    while (seen == to_word(sleep_kind::futex) || seen == to_word(sleep_kind::poller)) {
      // Failure relaxed: the owner is awake or being woken by somebody who has seen its marker.
      if (word_.compare_exchange_strong(seen, 0, Orders::poke, memory_order_relaxed)) {
        return to_kind(seen);
      }
    }
    return sleep_kind::none;
  }

  // Any thread: how the owner slept a moment ago.
  sleep_kind asleep() const noexcept { return to_kind(word_.load(Orders::hint)); }

  // For the owner's futex wait and its waker's futex wake: the low half of the word and its value while the owner may sleep
  // on it. Nodes are aligned: no address of one has that low half.
  const void* futex_address() const noexcept {
    constexpr std::size_t low_half =
        std::endian::native == std::endian::little ? 0 : sizeof(std::uintptr_t) - sizeof(std::uint32_t);
    return reinterpret_cast<const std::byte*>(&word_) + low_half;
  }
  static constexpr std::uint32_t futex_value = 1;

 private:
  static bool is_node(std::uintptr_t word) noexcept { return word > to_word(sleep_kind::poller); }
  static constexpr std::uintptr_t to_word(sleep_kind kind) noexcept { return static_cast<std::uintptr_t>(kind); }
  static std::uintptr_t to_word(Node* node) noexcept {
    static_assert(alignof(Node) >= 4, "the markers must not be addresses of nodes");
    return reinterpret_cast<std::uintptr_t>(node);
  }
  static Node* to_node(std::uintptr_t word) noexcept { return reinterpret_cast<Node*>(word); }
  static sleep_kind to_kind(std::uintptr_t word) noexcept {
    return is_node(word) ? sleep_kind::none : static_cast<sleep_kind>(word);
  }

  typename Atomics::template atomic<std::uintptr_t> word_{0};
};

}  // namespace weft::inline v0::detail
