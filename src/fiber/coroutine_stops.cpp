// Coroutines in a fiber: it keeps count of the exceptions in flight in whoever resumed them, as those mask its stops, too.
#include <weft/fiber/coroutine.hpp>

#include <weft/base/atomic.hpp>

#include "fiber/block.hpp"  // move_uncaught_below

namespace weft::inline v0::detail {
namespace {

atomic<running_block_fn> running_block{nullptr};

}  // namespace

void set_running_block_finder(running_block_fn f) noexcept {
  running_block.store(f,
                      memory_order_relaxed);  // relaxed: before the first fiber, on its way to the thread that runs it
}

void note_uncaught_below(std::uint16_t more) noexcept {
  if (more == 0) return;
  const running_block_fn find = running_block.load(memory_order_relaxed);  // relaxed: see set_running_block_finder()
  fiber_block* const b = find == nullptr ? nullptr : find();
  if (b != nullptr) move_uncaught_below(*b, more);  // none: a plain thread, which nobody stops
}

}  // namespace weft::inline v0::detail
