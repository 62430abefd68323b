// What debug checks look at when one fiber is left for another: a fiber that is resumed twice, or while it runs, goes on
// with a stack that somebody else is using, and what breaks first is far from the mistake.
//
// Whoever makes a fiber ready has won its wait, which takes `armed` off its park word, and only one can win it. So a fiber
// that is resumed with a wait undecided was made ready once too often. And a fiber is marked from when it is resumed until
// it is left; one that lends its stack to a child keeps the mark. The marks are meaningful while debug checks are on.
#include <weft/base/debug_checks.hpp>  // check_no_lock_held

#include "base/check.hpp"
#include "fiber/block.hpp"
#include "sched/park_word.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

const char* name_of(const fiber_record& r) noexcept { return r.block->name[0] != '\0' ? r.block->name : "(unnamed)"; }

bool is_undecided(const fiber_record& r) noexcept {
  return (r.park.word.load(memory_order_relaxed) & parker::armed) != 0;  // relaxed: whoever decided it made r ready
}

}  // namespace

void worker::check_resume(fiber_record& next) const noexcept {
  WEFT_CHECK((next.ctx.owner_bits & flag_running) == 0, "fiber '%s' is resumed while it runs", name_of(next));
  WEFT_CHECK(!is_undecided(next), "fiber '%s' is resumed twice: nothing has ended its wait (%s) yet", name_of(next),
             next.block->wait_text != nullptr ? next.block->wait_text : "not begun");
  WEFT_CHECK(next.home == number, "fiber '%s' is resumed by a worker that is not its own", name_of(next));
  mark_running(next);
}

void worker::check_leave(fiber_record& self, fiber_record* next, const char* what) const noexcept {
  check_no_lock_held(what);
  self.ctx.owner_bits &= static_cast<std::uint16_t>(~flag_running);
  // By itself: it was in the queue twice, or its wait had ended before it began.
  if (next == &self) self.ctx.owner_bits |= flag_running;
  if (next != nullptr) check_resume(*next);
}

void worker::check_goes_on(const fiber_record& self, const char* what) const noexcept {
  WEFT_CHECK(!is_undecided(self), "fiber '%s' is resumed twice: nothing has ended its wait (%s) yet", name_of(self),
             what);
}

}  // namespace weft::inline v0::detail
