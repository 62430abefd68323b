// The fiber block: what only a started fiber needs. It lives just below the stack header, in the top page of the fiber's
// own stack, which the first frame has paid for anyway.
#pragma once
#include <chrono>   // steady_clock
#include <cstdint>  // fixed-width integers

#include <weft/fiber/exception_words.hpp>
#include <weft/fiber/record.hpp>

#include "context/sanitizer.hpp"  // sanitizer_state
#include "stack/stack.hpp"        // stack

namespace weft::inline v0::detail {

struct fls_node;

// Flags in context::owner_bits of a record: what a switch has to know without touching the block.
inline constexpr std::uint16_t flag_saved_eh = 1;    // exception words are in the block
inline constexpr std::uint16_t flag_no_suspend = 2;  // no_suspend_depth is not 0
inline constexpr std::uint16_t flag_running = 4;     // debug checks only: it runs, or lends its stack to one that does
inline constexpr std::uint16_t flag_called = 8;      // its joiner, in the block, goes on when it ends, and is not armed
// Before a fiber with one of these is left, there is something to do: worker::before_leave().
inline constexpr std::uint16_t flags_before_leave = flag_no_suspend | flag_called;

struct alignas(16) fiber_block {
  fiber_record* record = nullptr;
  stack* home_stack = nullptr;
  fiber_record* lender = nullptr;                      // whose stack it runs on, while that one waits for its end
  fiber_record* joiner = nullptr;                      // valid while flag_called is set
  const char* wait_text = nullptr;                     // what it is parked on; a literal
  std::chrono::steady_clock::time_point wait_since{};  // worker's tick when it parked
  fls_node* locals = nullptr;                          // fiber-local values
  exception_words exceptions;                          // valid while suspended and flag_saved_eh is set
  std::uint16_t shields = 0;                           // nesting of cancel_shield
  std::uint16_t uncaught_below = 0;      // exceptions in flight in the resumers of the coroutine that runs
  std::uint16_t inner_uncaught = 0;      // in flight around the innermost frame that stops it, see below
  std::uint16_t no_suspend_depth = 0;    // nesting of no_suspend
  const char* no_suspend_why = nullptr;  // of the outermost no_suspend; a literal
  const char* stopped_in = nullptr;      // the point that threw cancelled last; a literal
  unsigned cancellations = 0;            // how often one threw since the fiber was stopped
  char name[32] = {};
  [[no_unique_address]] sanitizer_state sanitizer;
};

// A coroutine parks the exceptions in flight of whoever resumes it, and so the C++ runtime's count starts at its own. What it
// does not count any more is in uncaught_below; inner_uncaught is less by as much, modulo 2^16, so that comparing it with the
// runtime's count compares the sums.
inline void move_uncaught_below(fiber_block& b, std::uint16_t more) noexcept {
  b.uncaught_below = static_cast<std::uint16_t>(b.uncaught_below + more);
  b.inner_uncaught = static_cast<std::uint16_t>(b.inner_uncaught - more);
}

// The block of the fiber that runs on this thread, or null: known to the scheduler, which is above this layer.
using running_block_fn = fiber_block* (*)() noexcept;
void set_running_block_finder(running_block_fn f) noexcept;

// The running fiber may not suspend until the matching end; `why` is for the report, a literal.
inline void begin_no_suspend(fiber_record& r, const char* why) noexcept {
  if (r.block->no_suspend_depth++ != 0) return;
  r.ctx.owner_bits |= flag_no_suspend;
  r.block->no_suspend_why = why;
}
inline void end_no_suspend(fiber_record& r) noexcept {
  if (--r.block->no_suspend_depth == 0) r.ctx.owner_bits &= static_cast<std::uint16_t>(~flag_no_suspend);
}

// Where the block of a stack is. Frames start below it.
inline fiber_block* block_on(stack& s) noexcept {
  constexpr std::size_t bytes = (sizeof(fiber_block) + 15) & ~std::size_t{15};
  return reinterpret_cast<fiber_block*>(s.top() - bytes);
}

}  // namespace weft::inline v0::detail
