// Deadlines. A timer stands for a fiber, the watcher, that was made when the frame was opened and is not started: nothing
// can fail at the deadline. The worker fires the frame on its own stack; the watcher is started only if there are stop
// callbacks to run, which that stack cannot.
//
//   the frame's owner, closing                     the timer
//   1. claims the watcher's wait                   a. claims the watcher's wait
//   2. won: frees the watcher, which never ran     b. won: fires the frame
//   3. lost: waits for its end, shielded           c. ends the watcher, or starts it to run the callbacks
#include <mutex>         // lock_guard
#include <new>           // bad_alloc, launder
#include <system_error>  // system_error

#include <weft/sched/spawn_seam.hpp>  // begin_spawn

#include "sched/fiber_end.hpp"
#include "sched/hot_path.hpp"
#include "sched/stop_hub.hpp"
#include "sched/stop_walk.hpp"

namespace weft::inline v0::detail {
namespace {

struct run_callbacks_of {
  deadline_frame* frame;
  void operator()() const noexcept { stop_walk::run_callbacks(frame->callbacks); }
};

// A frame around the calling code fires earlier: nothing is left for a later one to do.
bool covered(stop_hub& hub, time_point until, std::uint16_t depth) noexcept {
  const std::lock_guard guard(hub.lock);
  for (const stop_frame* f = hub.innermost; f != nullptr; f = f->outer) {
    if (f->stops_owner && f->depth == depth && f->deadline <= until) return true;
  }
  return false;
}

}  // namespace

deadline_frame::deadline_frame(time_point until) {
  worker* w = current_worker();
  if (w == nullptr || w->current == nullptr) {
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                            "weft::with_deadline called outside a fiber: a plain thread cannot be stopped");
  }
  fiber_record& self = *w->current;
  deadline = until;
  const bool passed = until <= w->rt->now();
  const bool masked = unwinds_inside_its_frame(*w);  // then it is a frame of its own
  stop_hub& own = hub_of(self);
  if (!passed && until != no_deadline && (masked || !covered(own, until, self.block->shields))) {
    if (!w->timers.reserve(w->ready.capacity() + w->deadlines + 1)) throw std::bad_alloc();  // as worker::make_room()
    fiber_record& r = begin_spawn(__builtin_return_address(0));
    emplace_closure(r, nullptr, run_callbacks_of{this});
    generation_ = park_word<>::arm(r.park.word, point::no).generation;
    w->timers.add(until, r.park, generation_);
    ++w->deadlines;
    watcher_ = &r;
  }
  enter_body(*w, *this);  // throws nothing: the hub exists
  if (!passed) return;
  stop_walk walk;
  walk.add_frame(*this);
  walk.run();
}

void fire_deadline(fiber_record& watcher, worker& here) noexcept {
  deadline_frame& frame = *std::launder(reinterpret_cast<run_callbacks_of*>(watcher.storage))->frame;
  stop_walk walk;
  walk.add_frame(frame);
  frame.callbacks = walk.run_all_but_callbacks();
  if (frame.callbacks != nullptr) {
    commit_spawn(watcher);
  } else {
    watcher.outcome = fiber_outcome::value;
    bump(here.spawned);  // it ends without having been started, and ends are counted
    publish_end(watcher, here);
  }
}

bool deadline_frame::close() noexcept {
  if (!open_) return false;
  open_ = false;
  if (watcher_ != nullptr) {
    --current_worker()->deadlines;
    if (park_word<>::try_claim(watcher_->park.word, generation_, wake::stopped)) {
      current_worker()->timers.note_abandoned();
      free_unstarted(*watcher_);
    } else {
      join_wait(*watcher_, no_deadline, true);
      release_record(*watcher_);
    }
  }
  worker& w = *current_worker();
  const bool has_fired = fired;
  leave_body(w, *this);
  const parker& p = w.current->park;
  return has_fired && !park_word<>::pending(p.word, fiber_stops_seen(w), frame_stops_seen(w));
}

}  // namespace weft::inline v0::detail
