// Dispatch: choosing the next fiber and switching to it. The hot path of the library: no allocation, no lock, no system
// call, and one inline switch per role (a fiber that leaves, a fiber that ends, the scheduler that starts a run).
#include "context/switch.hpp"
#include "fiber/block.hpp"
#include "fiber/join_word.hpp"
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/sanitizer_bounds.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

// Exception state belongs to the fiber: it may suspend inside a catch block, or in a destructor during unwinding.
// All words are zero nearly always.
[[gnu::always_inline]] inline void save_exceptions(exception_words& thread, fiber_record& self) noexcept {
  if (thread.caught != nullptr || thread.uncaught != 0) [[unlikely]] {
    self.block->exceptions = thread;
    self.ctx.owner_bits |= flag_saved_eh;
    clear(thread);  // the switch sites this is inlined in are not instrumented
  }
}
[[gnu::always_inline]] inline void restore_exceptions(exception_words& thread, fiber_record& self) noexcept {
  if ((self.ctx.owner_bits & flag_saved_eh) != 0) [[unlikely]] {
    thread = self.block->exceptions;
    self.ctx.owner_bits &= static_cast<std::uint16_t>(~flag_saved_eh);
  }
}

}  // namespace

// Gives an unstarted fiber its identity on stack `s`.
void worker::adopt(fiber_record& r, stack& s) noexcept { adopt(r, s, *block_on(s)); }

void worker::adopt(fiber_record& r, stack& s, fiber_block& block) noexcept {
  fiber_block* const b = &block;
  b->record = &r;
  b->home_stack = &s;
  b->lender = nullptr;
  b->wait_text = nullptr;
  b->locals = nullptr;
  b->shields = 0;
  b->uncaught_below = 0;
  b->no_suspend_depth = 0;
  b->inner_uncaught = 0;
  b->stopped_in = nullptr;
  b->cancellations = 0;
  b->name[0] = '\0';
  if ((r.options & option_boxed) != 0) {
    const auto* spec = *std::launder(reinterpret_cast<fiber_spec**>(r.storage));
    __builtin_memcpy(b->name, spec->name, sizeof b->name);
  }
  if ((r.options & option_placed) != 0) unplace(r);
  r.home = number;
  r.block = b;
  reset_fp_words(r.ctx);
  r.ctx.owner_bits = 0;
}

static unsigned class_wanted(const fiber_record& r, const runtime_impl& rt) noexcept {
  if ((r.options & option_boxed) != 0) {
    const auto* spec = *std::launder(reinterpret_cast<fiber_spec* const*>(r.storage));
    if (spec->has_size_class) return spec->size_class;
  }
  return rt.stack_class;
}

[[gnu::always_inline]] inline bool worker::try_bind_inline(fiber_record& r) noexcept {
  const std::uint64_t alive = running_stacks.load(memory_order_relaxed);  // relaxed: this thread writes it
  const bool room = alive < ready.capacity() || make_room(static_cast<std::size_t>(alive) + 1);
  stack* s = room ? stacks.take(class_wanted(r, *rt), stack_error) : nullptr;
  if (s == nullptr) [[unlikely]]
    return false;
  bump(running_stacks);
  adopt(r, *s);
  sanitizer_bind_stack(r.block->sanitizer, s->limit,
                       static_cast<std::size_t>(reinterpret_cast<std::byte*>(r.block) - s->limit), s->tsan_fiber);
  make_context(r.ctx, r.block, &stack_main, this);
  return true;
}

bool worker::try_bind(fiber_record& r) noexcept { return try_bind_inline(r); }

// Binds a stack to an unstarted fiber. False: none can be had now; the fiber waits among the stackless.
bool worker::bind(fiber_record& r) noexcept {
  if (try_bind_inline(r)) [[likely]]
    return true;
  wait_for_stack(r);
  return false;
}

// Deterministic tests: every choice is drawn from the runtime's seed.
fiber_record* worker::pick_by_seed() noexcept {
  if (rt->seeded->looks_at_fibers()) return ready.empty() ? nullptr : ready.pop_at(rt->seeded->among(ready));
  const std::size_t all = ready.size() + unstarted.size_hint();
  if (all == 0) return nullptr;
  const std::size_t n = rt->seeded->below(all);
  if (n < ready.size()) return ready.pop_at(n);
  fiber_record* r = nullptr;
  if (n % 2 == 0 && unstarted.steal(r) == steal_result::success) return r;
  return pop_unstarted();
}

// ---- leaving a fiber

[[gnu::always_inline]] inline void worker::leave_inline(fiber_record& self, fiber_record* next) noexcept {
  save_exceptions(*exceptions, self);
  const context* to = &scheduler;
  const sanitizer_state* to_sanitizer = &scheduler_sanitizer;
  if (next != nullptr) {
    to = &next->ctx;
    to_sanitizer = &next->block->sanitizer;
  }
  current = next;
  budget = budget_per_dispatch;
  sanitizer_note_current(self.block->sanitizer);  // a coroutine's, if the fiber waits inside one
  sanitizer_note_bounds(self.block->sanitizer);
  sanitizer_before_switch(self.block->sanitizer, *to_sanitizer, false);
  switch_context(self.ctx, *to);
  sanitizer_after_switch(self.block->sanitizer);
  restore_exceptions(*exceptions, self);
}

WEFT_SWITCH_SITE void worker::leave(fiber_record& self, fiber_record* next) noexcept {
  if (debug_checks()) [[unlikely]]
    check_leave(self, next, self.block->wait_text);
  leave_inline(self, next);
}

// A switch site of its own: with many fibers each frame between yield() and the switch is cache lines per fiber.
WEFT_SWITCH_SITE void worker::yield_running() noexcept {
  fiber_record& self = *current;
  if ((self.ctx.owner_bits & flags_before_leave) != 0) [[unlikely]]
    before_leave(self, "its next turn");
  fiber_record* next = pick();
  if (next == nullptr && countdown != 0 && ready.empty() && rt->seeded == nullptr) return;  // nobody else
  if (debug_checks()) [[unlikely]]
    check_leave(self, next, "yield");
  ready.push(self);  // with no next: time to look around, others may wait in the inbox
  leave_inline(self, next);
}

// A joiner goes to the fiber it joins without arming: docs/design/sched.md, "A join that is a call". Returns when that one has
// ended, or when this wait, which has become one like others, is over.
WEFT_SWITCH_SITE void worker::enter_called(fiber_record& self, fiber_record& child) noexcept {
  child.ctx.owner_bits = flag_called;
  child.block->joiner = &self;
  if (debug_checks()) [[unlikely]]
    check_leave(self, &child, "join");
  leave_inline(self, &child);
}

// ---- the scheduler's side

WEFT_SWITCH_SITE void worker::run_from(fiber_record& first) noexcept {
  if (debug_checks()) [[unlikely]]
    check_resume(first);
  current = &first;
  budget = budget_per_dispatch;
  sanitizer_before_switch(scheduler_sanitizer, first.block->sanitizer, false);
  switch_context(scheduler, first.ctx);
  sanitizer_after_switch(scheduler_sanitizer);
}

// ---- a fiber's life on its stack

// Runs the current fiber to its end and tells who waits for it. \return its joiner, if that goes on at once
fiber_record* worker::run_current() {
  fiber_record& r = *current;
  // A fiber that was detached before it started has nobody to rethrow to: its exceptions die where they are thrown.
  // A scope's child catches its own.
  const bool detached = r.join.load(memory_order_relaxed) == join_detached;  // relaxed: only chooses the policy
  if (detached && (r.options & option_scoped) == 0) {
    r.ops->run_detached(r);
  } else {
    r.ops->run(r);
  }
  if (r.block->locals != nullptr) [[unlikely]]
    destroy_fiber_locals(*r.block);
  if ((r.ctx.owner_bits & flag_called) != 0) return end_called(r);
  publish_end(r, *this);
  return nullptr;
}

// A switch site without calls of its own around the switch, entered by a jump: whoever is resumed finds the CPU's return
// predictions as it left them.
WEFT_SWITCH_SITE void worker::stack_main(void* self) {
  worker& w = *static_cast<worker*>(self);
  sanitizer_after_switch(w.current->block->sanitizer);
  fiber_block* const block = w.current->block;
  stack* const own = block->home_stack;
  for (;;) {
    fiber_record* next = w.run_current();
    if (next == nullptr) next = w.pick_unbound();
    while (next != nullptr && next->block == nullptr && class_wanted(*next, *w.rt) != own->size_class &&
           !w.bind(*next)) {
      next = w.pick_unbound();
    }
    if (next == nullptr || next->block != nullptr) {
      // `own` is only in this worker's cache until the switch below; nobody takes from it in between.
      w.stacks.put(own);
      bump(w.running_stacks, ~std::uint64_t{0});
      const bool to_fiber = next != nullptr;
      if (debug_checks() && to_fiber) [[unlikely]]
        w.check_resume(*next);
      const context& to = to_fiber ? next->ctx : w.scheduler;
      const sanitizer_state& to_sanitizer = to_fiber ? next->block->sanitizer : w.scheduler_sanitizer;
      w.current = next;
      w.budget = budget_per_dispatch;
      context nowhere;
      sanitizer_before_switch(block->sanitizer, to_sanitizer, true);
      switch_context(nowhere, to);
      __builtin_unreachable();
    }
    w.adopt(*next, *own);  // the next unstarted fiber goes on where this one ended: no switch, no stack
    if (debug_checks()) [[unlikely]]
      mark_running(*next);
    w.current = next;
    w.budget = budget_per_dispatch;
    context ended;
    switch_fp_words(ended, next->ctx);
  }
}

}  // namespace weft::inline v0::detail
