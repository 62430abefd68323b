// Frames of a fiber, and the tokens that are taken in them.
#include "sched/stop_hub.hpp"

#include <memory>   // unique_ptr
#include <mutex>    // lock_guard
#include <utility>  // exchange

#include <weft/sched/spawn_seam.hpp>  // stop_token_of
#include <weft/sched/this_fiber.hpp>  // get_stop_token, cancel_shield

#include "base/check.hpp"
#include "fiber/block.hpp"
#include "fiber/thread_parker.hpp"  // blocking_caller
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/park_word.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

// Records live outside the heap and keep their hubs: this list is where leak checkers find them.
atomic<stop_hub*> all_hubs{nullptr};

// With the acquire and release of a read-modify-write: see the table in stop_hub.hpp.
bool stop_bit_after_publication(fiber_record& r) noexcept {
  return (r.park.word.fetch_or(0, memory_order_acq_rel) & parker::stop) != 0;  // pairs with park_word::request_stop()
}

bool is_reached_from_outside(const stop_hub& hub, const stop_frame* outer, std::uint16_t depth) noexcept {
  if (depth == 0 && stop_bit_after_publication(*hub.owner)) return true;
  for (const stop_frame* f = hub.fired != 0 ? outer : nullptr; f != nullptr; f = f->outer) {
    if (f->fired && f->depth == depth) return true;
  }
  return false;
}

// A token of the state in `slot`, made if there is none. \pre hub.lock is held
stop_token token_in(stop_block*& slot, std::unique_ptr<stop_block>& fresh, bool requested) noexcept {
  if (slot == nullptr) {
    slot = fresh.release();
    if (requested) slot->mark_requested();  // nobody has registered a callback yet
  }
  slot->retain();
  return stop_token(slot);
}

// The fiber or frame that could stop it has ended; tokens may go on.
void give_up_source(stop_block* shared) noexcept {
  if (shared == nullptr) return;
  shared->drop_source();
  shared->release();
}

// Of the innermost stretch of code that can be stopped on its own and that is not hidden by a shield.
stop_token innermost_token_of(fiber_record& r) {
  stop_hub* hub = r.hub.load(memory_order_acquire);  // pairs with hub_of()
  if (hub == nullptr) return stop_token_of(r);
  auto fresh = std::make_unique<stop_block>();
  {
    const std::lock_guard guard(hub->lock);
    for (stop_frame* f = hub->innermost; f != nullptr; f = f->outer) {
      if (!f->stops_owner || f->depth != hub->depth) continue;
      return token_in(f->shared, fresh, f->fired || is_reached_from_outside(*hub, f->outer, f->depth));
    }
  }
  return stop_token_of(r);
}

}  // namespace

stop_hub& hub_of(fiber_record& r) {
  stop_hub* found = r.hub.load(memory_order_acquire);  // pairs with the exchange below
  if (found != nullptr) return *found;
  auto fresh = std::make_unique<stop_hub>(r);
  // Release: the hub's contents; acquire: those of whoever was faster. Pairs with itself and the loads of `hub`.
  if (!r.hub.compare_exchange_strong(found, fresh.get(), memory_order_acq_rel, memory_order_acquire)) return *found;
  stop_hub& made = *fresh.release();
  made.next = all_hubs.load(memory_order_relaxed);  // relaxed: for leak checkers, who look when nothing runs
  while (!all_hubs.compare_exchange_weak(made.next, &made, memory_order_relaxed,
                                         memory_order_relaxed)) {  // relaxed: as above
  }
  return made;
}

void show_fired_frames(stop_hub& hub) noexcept {
  bool visible = false;
  for (const stop_frame* f = hub.fired != 0 ? hub.outermost : nullptr; f != nullptr && !visible; f = f->inner) {
    visible = f->fired && f->stops_owner && f->depth == hub.depth;
  }
  park_word<>::set_inner_stop(hub.owner->park.word, visible);
}

bool push_frame(worker& w, stop_frame& f, bool reachable) {
  stop_hub& hub = hub_of(*w.current);
  const std::lock_guard guard(hub.lock);
  hub.depth = w.current->block->shields;
  f.depth = reachable ? hub.depth : unreachable_depth;
  f.outer = hub.innermost;
  f.inner = nullptr;
  (f.outer == nullptr ? hub.outermost : f.outer->inner) = &f;
  hub.innermost = &f;
  f.hub.store(&hub, memory_order_release);  // pairs with pop_frame()
  return is_reached_from_outside(hub, f.outer, f.depth);
}

void pop_frame(stop_frame& f) noexcept {
  stop_hub* hub = f.hub.load(memory_order_acquire);  // pairs with push_frame() and leave_hub()
  if (hub == nullptr) return;
  stop_block* shared = nullptr;
  {
    const std::lock_guard guard(hub->lock);
    if (f.hub.load(memory_order_relaxed) != hub) return;  // relaxed: under the lock
    f.hub.store(nullptr, memory_order_relaxed);           // relaxed: as above
    (f.outer == nullptr ? hub->outermost : f.outer->inner) = f.inner;
    (f.inner == nullptr ? hub->innermost : f.inner->outer) = f.outer;
    if (f.fired) {
      --hub->fired;
      show_fired_frames(*hub);
    }
    shared = std::exchange(f.shared, nullptr);
  }
  give_up_source(shared);
}

bool enter_body(worker& w, stop_frame& f) {
  fiber_block& b = *w.current->block;
  hub_of(*w.current);  // may throw, so first
  f.stops_owner = true;
  f.is_barrier = unwinds_inside_its_frame(w);
  f.outer_uncaught = std::exchange(b.inner_uncaught, static_cast<std::uint16_t>(w.exceptions->uncaught));
  if (f.is_barrier) {
    ++b.shields;
    shields_changed(*w.current);
  }
  return push_frame(w, f, true);
}

void leave_body(worker& w, stop_frame& f) noexcept {
  WEFT_CHECK(w.current != nullptr &&
                 f.hub.load(memory_order_relaxed) == w.current->hub.load(memory_order_relaxed),  // relaxed: own
             "a deadline or with_scope ends in another fiber than it began in (a coroutine that yielded inside one?)");
  fiber_block& b = *w.current->block;
  pop_frame(f);
  b.inner_uncaught = f.outer_uncaught;
  if (f.is_barrier) {
    --b.shields;
    shields_changed(*w.current);
  }
}

void leave_hub(stop_hub& hub) noexcept {
  stop_block* shared = nullptr;
  {
    const std::lock_guard guard(hub.lock);
    shared = std::exchange(hub.shared, nullptr);
    for (stop_frame* f = std::exchange(hub.outermost, nullptr); f != nullptr; f = f->inner) {
      f->hub.store(nullptr, memory_order_release);  // pairs with pop_frame()
    }
    hub.innermost = nullptr;
    if (std::exchange(hub.fired, 0) != 0) show_fired_frames(hub);  // none: for the record's next fiber
    hub.depth = 0;
  }
  give_up_source(shared);
}

void shields_changed(fiber_record& self) noexcept {
  stop_hub* hub = self.hub.load(memory_order_acquire);  // pairs with hub_of()
  if (hub == nullptr) return;
  const std::lock_guard guard(hub->lock);
  hub->depth = self.block->shields;
  if (hub->fired != 0) show_fired_frames(*hub);
}

stop_token stop_token_of(fiber_record& r) {
  auto fresh = std::make_unique<stop_block>();  // before the lock: it may throw
  stop_hub& hub = hub_of(r);
  const std::lock_guard guard(hub.lock);
  return token_in(hub.shared, fresh, stop_bit_after_publication(r));
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0 {

stop_token this_fiber::get_stop_token() {
  detail::worker* w = detail::current_worker();
  detail::fiber_record* r = w == nullptr ? detail::blocking_caller() : w->current;
  return r == nullptr ? stop_token{} : detail::innermost_token_of(*r);
}

cancel_shield::cancel_shield() noexcept {
  detail::worker* w = detail::current_worker();
  if (w == nullptr || w->current == nullptr) return;
  ++w->current->block->shields;
  detail::shields_changed(*w->current);
}
cancel_shield::~cancel_shield() {
  detail::worker* w = detail::current_worker();
  if (w == nullptr || w->current == nullptr) return;
  --w->current->block->shields;
  detail::shields_changed(*w->current);
}

}  // namespace weft::inline v0
