// Running the callbacks of a stop state, in the fiber or thread that requested the stop.
#include <weft/fiber/stop_state.hpp>
#include <weft/sched/this_fiber.hpp>  // get_id, cancel_shield

#include "sched/park.hpp"

namespace weft::inline v0::detail {

bool stop_block::request_stop() noexcept {
  if (stop_requested()) return false;
  retain();  // whoever sees the mark, a callback too, may drop the last source and the last token
  const bool first = mark_requested();
  if (first) run_callbacks();
  release();
  return first;
}

// A callback may suspend, and may destroy itself or any other callback: between two of them nothing is remembered but
// the list, and after a callback has returned its node is only compared.
void stop_block::run_callbacks() noexcept {
  // relaxed: nothing is added after the mark, which was this caller's
  if ((word_.load(memory_order_relaxed) & head) == 0) return;
  const cancel_shield shield;  // a requester that is stopped itself must not throw out of a callback that waits
  const fiber_id me = this_fiber::get_id();
  while (stop_callback_node* const node = begin_next(me)) {
    node->run(*node);
    if (const std::uint64_t waiting = end_running(); waiting != 0) claim_and_deliver(waiting, wake::notified);
  }
}

}  // namespace weft::inline v0::detail
