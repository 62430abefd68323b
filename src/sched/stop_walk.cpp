// A stop on its way down the tree.
#include "sched/stop_walk.hpp"

#include <mutex>    // lock_guard
#include <utility>  // exchange

#include <weft/sched/spawn_seam.hpp>  // request_stop

#include "sched/chaos.hpp"
#include "sched/park_word.hpp"
#include "sched/stop_hub.hpp"

namespace weft::inline v0::detail {

void stop_walk::won(fiber_record& r) noexcept {
  r.next = won_;
  won_ = &r;
}

void stop_walk::add_state(stop_block* s) noexcept {
  if (s == nullptr || !s->mark_requested()) return;  // before the deliveries: who is woken by the stop finds it marked
  s->retain();
  s->next_in_walk = states_;
  states_ = s;
}

void stop_walk::reach(stop_frame& f, stop_origin from) noexcept {
  add_state(f.shared);
  if (f.is_scope) add_scope(static_cast<stop_scope&>(f), from);
}

void stop_walk::add_fiber(fiber_record& r) noexcept {
  const stop_result result = park_word<>::request_stop(r.park.word);
  if (result.claimed) won(r);
  stop_hub* hub = result.first ? r.hub.load(memory_order_acquire) : nullptr;  // pairs with hub_of()
  if (hub == nullptr) return;
  const std::lock_guard guard(hub->lock);
  add_state(hub->shared);
  for (stop_frame* f = hub->outermost; f != nullptr; f = f->inner) {
    if (f->depth == 0) reach(*f, stop_origin::outside);
  }
}

void stop_walk::add_frame(stop_frame& f) noexcept {
  stop_hub* hub = f.hub.load(memory_order_acquire);  // pairs with push_frame() and leave_hub()
  if (hub == nullptr) {
    if (f.is_scope) add_scope(static_cast<stop_scope&>(f), stop_origin::inside);
    return;
  }
  const std::lock_guard guard(hub->lock);
  if (f.fired || f.hub.load(memory_order_relaxed) != hub) {  // relaxed: under the lock
    return;
  }
  f.fired = true;
  ++hub->fired;
  for (stop_frame* in = &f; in != nullptr; in = in->inner) {
    if (in->depth == f.depth) reach(*in, in == &f ? stop_origin::inside : stop_origin::outside);
  }
  if (f.depth == hub->depth && park_word<>::request_inner_stop(hub->owner->park.word)) won(*hub->owner);
}

void stop_walk::add_scope(stop_scope& s, stop_origin from) noexcept {
  const std::lock_guard guard(s.lock_);
  if (s.stopped_) return;
  s.stopped_ = true;
  s.stopped_from_outside_ = from == stop_origin::outside;
  ++s.count_;
  s.next_to_stop_ = scopes_;
  scopes_ = &s;
}

void stop_walk::run() noexcept { run_callbacks(run_all_but_callbacks()); }

stop_block* stop_walk::run_all_but_callbacks() noexcept {
  while (stop_scope* s = scopes_) {
    scopes_ = s->next_to_stop_;
    {
      const std::lock_guard guard(s->lock_);
      for (stop_child* c = s->first_; c != nullptr; c = c->next) add_fiber(*c->record);
    }
    s->drop_one();
  }
  while (fiber_record* r = won_) {
    won_ = r->next;  // read first: it may run at once
    deliver_claimed(r->park);
  }
  return std::exchange(states_, nullptr);
}

void stop_walk::run_callbacks(stop_block* states) noexcept {
  while (stop_block* b = states) {
    states = b->next_in_walk;
    b->run_callbacks();
    b->release();
  }
}

void request_stop(fiber_record& r) noexcept {
  chaos_delay();
  stop_walk walk;
  walk.add_fiber(r);
  chaos_delay();
  walk.run();
}

}  // namespace weft::inline v0::detail
