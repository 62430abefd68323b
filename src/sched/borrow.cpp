// Borrowed stacks: a fiber that has to wait for an unstarted one runs it as a call on its own stack.
//
// It is a full change of identity: record, fiber-locals, stop state and shields, name, floating-point words, exception
// state. The child may suspend: then this stack is resumed with the child as the running fiber. The lender is neither
// queued nor armed meanwhile; a stop of it is pending for its next point, and reaches the child through the scope.
#include <utility>  // exchange

#include "context/switch.hpp"
#include "fiber/block.hpp"
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/runtime_impl.hpp"

namespace weft::inline v0::detail {

// As when it was spawned: a worker that looked around meanwhile has not seen it, and may have gone to sleep.
void worker::put_back(fiber_record& r) noexcept {
  if (!has_thieves) {
    unstarted.push(&r);  // there is room: it has just been there
    return;
  }
  unstarted.push_published(&r);
  if (rt->idle.should_wake()) wake_searcher();
}

void worker::note_borrowed() noexcept {
  if (--countdown != 0 || round_goes_on()) return;
  countdown = 1;
  yield_running();
}

void worker::run_borrowed(fiber_record& r) noexcept {
  fiber_record& lender = *current;
  if ((lender.ctx.owner_bits & flag_called) != 0) end_calls(lender);  // what suspends here would not know of its joiner
  fiber_block block;
  adopt(r, *lender.block->home_stack, block);
  block.lender = &lender;
  block.sanitizer = lender.block->sanitizer;
  lender.block->wait_text = "a child that borrows its stack";
  lender.block->wait_since = tick;
  const exception_words lenders = *exceptions;
  *exceptions = {};
  context words;
  switch_fp_words(words, r.ctx);
  if (debug_checks()) [[unlikely]]
    mark_running(r);
  current = &r;
  const unsigned lenders_budget = std::exchange(budget, budget_per_dispatch);
  r.ops->run(r);
  if (block.locals != nullptr) destroy_fiber_locals(block);
  r.block = nullptr;  // it ends with this frame
  switch_fp_words(r.ctx, words);
  *exceptions = lenders;
  current = &lender;
  budget = lenders_budget;
  lender.block->wait_text = nullptr;
  publish_end(r, *this);
}

}  // namespace weft::inline v0::detail
