// Where threads that are not workers put unstarted fibers, and where any worker takes them.
// The one idea: the stack is only ever taken whole, by one exchange. Nobody follows a link of a node that he does not
// own, so there is no ABA and nothing to reclaim; the taker spreads what it got through its own deque.
#pragma once
#include <weft/base/atomic.hpp>  // real_atomics, memory orders
#include <weft/base/config.hpp>  // WEFT_CACHE_LINE

namespace weft::inline v0::detail {

// Memory orders of the injector, one name per site, so that the model tests can weaken one at a time.
struct injector_orders {
  // Release: the node; pairs with take_all(). Sequentially consistent: the publication comes before the publisher's
  // look at the idle word; pairs with empty() of a worker that has announced its sleep, see idle.hpp.
  static constexpr auto push = memory_order_seq_cst;
  static constexpr auto take_all = memory_order_acquire;  // pairs with push()
  static constexpr auto empty = memory_order_seq_cst;     // pairs with push(), see idle.hpp
};

// | value of the word | meaning                               | who changes it, to what                          |
// |-------------------|---------------------------------------|--------------------------------------------------|
// | null              | empty                                 | anyone: push to a node                           |
// | address of a node | the newest of a stack, linked by next | anyone: push to a newer node, take_all to null   |
template <class Node, class Atomics = real_atomics, class Orders = injector_orders>
class alignas(WEFT_CACHE_LINE) injector {
 public:
  injector() noexcept = default;
  injector(const injector&) = delete;
  injector& operator=(const injector&) = delete;

  // Any thread. Afterwards the caller owes sleeping workers a look: idle_set::should_wake().
  void push(Node* node) noexcept { push_chain(node, node); }

  // As push() for nodes already linked through next, `newest` first; one atomic operation for all of them.
  void push_chain(Node* newest, Node* oldest) noexcept {
    Node* head = head_.load(memory_order_relaxed);  // relaxed: a first guess, checked by the compare-exchange
    do {
      oldest->next = head;
      // Failure relaxed: `head` is only compared and stored, never followed.
    } while (!head_.compare_exchange_weak(head, newest, Orders::push, memory_order_relaxed));
  }

  // Any thread. All nodes, oldest first; null when there are none.
  Node* take_all() noexcept {
    // Relaxed: spares the cache line an exchange when there is nothing; who must not miss anything asks empty().
    if (head_.load(memory_order_relaxed) == nullptr) {
      return nullptr;
    }
    Node* newest = head_.exchange(nullptr, Orders::take_all);
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* const older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

  // Any thread. Not a hint: a worker that has announced its sleep and reads true here will be woken for what comes.
  bool empty() const noexcept { return head_.load(Orders::empty) == nullptr; }

 private:
  typename Atomics::template atomic<Node*> head_{nullptr};
};

}  // namespace weft::inline v0::detail
