// Scopes: children, their count, the first failure, and waiting for all.
#include <mutex>    // lock_guard
#include <new>      // launder
#include <utility>  // exchange, move

#include <weft/fiber/closure.hpp>     // option_boxed, option_scoped
#include <weft/sched/this_fiber.hpp>  // cancel_shield, stack_remaining

#include "base/check.hpp"
#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/stop_hub.hpp"
#include "sched/stop_walk.hpp"

namespace weft::inline v0::detail {
namespace {

// The closure of a scope's child is a pointer to what spawn() has made for it.
const stop_child& child_in(const fiber_record& r) noexcept {
  return **std::launder(reinterpret_cast<const stop_child* const*>(r.storage));
}

}  // namespace

stop_scope::stop_scope(bool stops_body) {
  is_scope = true;
  worker* w = current_worker();
  if (w == nullptr || w->current == nullptr) return;  // a plain thread: nobody stops it
  bool inside_stopped = false;
  if (stops_body) {
    inside_stopped = enter_body(*w, *this);
  } else {
    // What a destructor opens while an exception passes is its own business: the stop that unwinds does not reach it.
    inside_stopped = push_frame(*w, *this, frame_stops_seen(*w) == point::yes);
  }
  if (!inside_stopped) return;
  const std::lock_guard guard(lock_);
  stopped_ = true;
  stopped_from_outside_ = true;
}

stop_scope::~stop_scope() {
  if (stops_owner) {
    leave_body(*current_worker(), *this);
  } else {
    pop_frame(*this);
  }
  wait_all();  // walks that had found it before
  WEFT_CHECK(first_ == nullptr, "a scope is destroyed before its children have ended");
}

void stop_scope::enter(stop_child& c, fiber_record& r) noexcept {
  c.record = &r;
  c.in = this;
  const std::lock_guard guard(lock_);
  c.prev = nullptr;
  c.next = first_;
  if (first_ != nullptr) first_->prev = &c;
  first_ = &c;
  ++count_;
  if (stopped_) r.park.word.fetch_or(parker::stop, memory_order_acq_rel);  // pairs with arming: the fiber sees it
}

// The child's fiber-local values end inside the scope, too: they may refer to what is around it.
void stop_scope::leave(stop_child& c) noexcept {
  if (worker* w = current_worker(); w != nullptr && w->current == c.record && c.record->block->locals != nullptr) {
    destroy_fiber_locals(*c.record->block);
  }
  {
    const std::lock_guard guard(lock_);
    (c.prev == nullptr ? first_ : c.prev->next) = c.next;
    if (c.next != nullptr) c.next->prev = c.prev;
  }
  drop_one();
}

// Whoever sees the count at zero may destroy the scope: the unlocking is the last touch.
void stop_scope::drop_one() noexcept {
  waiter* claimed = nullptr;
  lock_.lock();
  if (--count_ == 0) {
    while (waiter* w = joiners_) {
      joiners_ = w->next;
      w->linked = false;
      if (w->claim(wake::notified)) {
        w->next = claimed;
        claimed = w;
      }
    }
  }
  lock_.unlock();
  while (waiter* w = claimed) {
    claimed = w->next;  // read first: a delivered waiter may be gone
    deliver(*w);
  }
}

// Whether all that could end a wait of the running fiber reaches the children too. If not, it has to be able to wait: a
// stop would find it as the lender of its stack, and nobody would tell the child.
bool stop_scope::hears_what_interrupts(const worker& w) noexcept {
  stop_hub* mine = w.current->hub.load(memory_order_relaxed);                   // relaxed: the fiber's own
  if (mine == nullptr || hub.load(memory_order_relaxed) != mine) return false;  // relaxed: pop_frame() comes later
  const std::lock_guard guard(mine->lock);
  if (depth != mine->depth) return false;
  for (const stop_frame* f = mine->innermost; f != this; f = f->outer) {
    if (f == nullptr || f->stops_owner) return false;
  }
  return true;
}

// A child that nobody has started runs here, as a call: the wait cannot end before it does.
bool stop_scope::run_own_child(bool shielded) {
  worker* w = current_worker();
  if (w == nullptr || w->current == nullptr || (w->current->ctx.owner_bits & flag_no_suspend) != 0) return false;
  if (!shielded && !hears_what_interrupts(*w)) return false;
  if (this_fiber::stack_remaining() < w->rt->enough_to_lend) return false;
  fiber_record* r = w->take_newest([&](const fiber_record& newest) {
    return (newest.options & (option_scoped | option_boxed)) == option_scoped && child_in(newest).in == this;
  });
  if (r == nullptr) return false;
  w->run_borrowed(*r);
  w->note_borrowed();
  return true;
}

namespace {

constexpr const char* children = "the children of a scope";

// As this_fiber::check_stop(), but a report names the scope.
void check_stop_after_children() {
  const worker* w = current_worker();
  if (w == nullptr || w->current == nullptr) return;
  if (park_word<>::pending(w->current->park.word, fiber_stops_seen(*w), frame_stops_seen(*w)))
    throw_cancelled(children);
}

}  // namespace

bool stop_scope::wait(bool shielded) {
  while (run_own_child(shielded)) {
  }
  {
    const std::lock_guard guard(lock_);
    if (count_ == 0) return true;
  }
  waiter self(shielded ? point::no : point::yes, children);
  lock_.lock();
  if (count_ == 0) {
    lock_.unlock();
    self.abandon();
    return true;
  }
  self.next = joiners_;
  self.linked = true;
  joiners_ = &self;
  lock_.unlock();
  const wake why = self.park(no_deadline, children);
  if (why == wake::notified) return true;
  const std::lock_guard guard(lock_);
  for (waiter** at = &joiners_; self.linked && *at != nullptr; at = &(*at)->next) {
    if (*at == &self) {
      *at = self.next;
      break;
    }
  }
  return false;
}

void stop_scope::wait_all() noexcept {
  while (!wait(true)) {
  }
}

void stop_scope::join() {
  bool stopped = false;
  try {
    stopped = !wait(false);
  } catch (const cancelled&) {  // the stop came before the wait
    stopped = true;
  }
  if (stopped) {
    request_stop();
    wait_all();
  }
  rethrow_failure();
  // Also when the children, stopped as well, were faster: their work is not what it would have been.
  if (stopped) throw_cancelled(children);
  check_stop_after_children();
  // In a shield the stop is not seen, but what it has kept the children from doing is missing all the same.
  if (cut_short()) throw_cancelled(children);
}

bool stop_scope::cut_short() noexcept {
  const std::lock_guard guard(lock_);
  return cut_short_;
}

bool stop_scope::expects_cancelled() noexcept {
  const std::lock_guard guard(lock_);
  if (stopped_from_outside_) cut_short_ = true;
  return stopped_;
}

void stop_scope::fail(std::exception_ptr e) noexcept {
  {
    const std::lock_guard guard(lock_);
    if (failure_ == nullptr) failure_ = std::move(e);
  }
  stop_walk walk;
  if (stops_owner) {
    walk.add_frame(*this);
  } else {
    walk.add_scope(*this, stop_origin::inside);
  }
  walk.run();
}

void stop_scope::request_stop() noexcept {
  stop_walk walk;
  walk.add_scope(*this, stop_origin::inside);
  walk.run();
}

bool stop_scope::stop_requested() noexcept {
  const std::lock_guard guard(lock_);
  return stopped_;
}

bool stop_scope::failed() noexcept {
  const std::lock_guard guard(lock_);
  return failure_ != nullptr;
}

std::exception_ptr stop_scope::take_failure() noexcept {
  const std::lock_guard guard(lock_);
  return std::exchange(failure_, nullptr);
}

void stop_scope::rethrow_failure() {
  if (std::exception_ptr e = take_failure(); e != nullptr) {
    note_cancellation_point("the end of a scope, a child of which was stopped");
    std::rethrow_exception(std::move(e));
  }
}

}  // namespace weft::inline v0::detail
