// Lists of fiber-local values: in the fiber's block, or for plain threads in a thread-local list.
#include <weft/sched/fiber_local.hpp>

#include <weft/base/atomic.hpp>

#include "fiber/block.hpp"
#include "sched/fiber_end.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

void destroy_all(fls_node*& head) noexcept {
  while (head != nullptr) {  // a destructor may make values of other keys: they come first then
    fls_node* n = head;
    head = n->next;
    n->destroy(n);
  }
}

struct thread_values {
  fls_node* head = nullptr;
  ~thread_values() { destroy_all(head); }
};

fls_node*& list_of_caller() noexcept {
  worker* w = current_worker();
  if (w != nullptr && w->current != nullptr) return w->current->block->locals;
  thread_local thread_values values;  // plain threads only: no switch can happen while its address is in use
  return values.head;
}

}  // namespace

std::uint64_t new_fls_key() noexcept {
  static atomic<std::uint64_t> last{0};
  return last.fetch_add(1, memory_order_relaxed) + 1;  // relaxed: only uniqueness matters
}

fls_node* find_fls(std::uint64_t key) noexcept {
  fls_node* n = list_of_caller();
  while (n != nullptr && n->key != key) n = n->next;
  return n;
}

void add_fls(fls_node& node) noexcept {
  fls_node*& head = list_of_caller();
  node.next = head;
  head = &node;
}

void destroy_fiber_locals(fiber_block& block) noexcept { destroy_all(block.locals); }

}  // namespace weft::inline v0::detail
