// The hub of a fiber: what a stop of it has to reach besides its own wait. Made when the fiber first opens a frame or
// somebody takes a stop token of it; then it stays with the record, whichever fiber that serves.
//
//   opens a frame (the fiber)                         requests a stop (anyone)
//   1. sets record.hub, if it has none                a. sets the stop bit; only the first one goes on
//   2. lock; link the frame; is the stop bit set?     b. record.hub: none: nothing to reach
//   3. unlock                                         c. lock; collect the frames; unlock
// Either c finds the frame, or 2 comes after c's lock and sees the bit. Without a hub yet: 1 ends with a read-modify-write
// of the park word; of it and a, the later one sees what went before the other.
#pragma once
#include <weft/fiber/stop_token.hpp>  // stop_block
#include <weft/sched/stop_tree.hpp>   // stop_frame

namespace weft::inline v0::detail {

class worker;

// Depth of a scope that no stop from outside reaches.
inline constexpr std::uint16_t unreachable_depth = 0xffff;

struct stop_hub {
  explicit stop_hub(fiber_record& r) noexcept : owner(&r) {}
  spin_lock lock{lock_rank::stop_tree};
  fiber_record* const owner;
  stop_block* shared = nullptr;  // of the fiber's own tokens; this and all that follows: under lock
  stop_frame* outermost = nullptr;
  stop_frame* innermost = nullptr;
  unsigned fired = 0;        // frames that have
  std::uint16_t depth = 0;   // shields the fiber is in; kept while frames are open
  stop_hub* next = nullptr;  // of all hubs ever made
};

// Of `r`, made if need be. \throws std::bad_alloc
stop_hub& hub_of(fiber_record& r);

// The owner: after fired, depth or the frames have changed, tells its park word whether a frame that has fired is visible.
// \pre hub.lock is held, the owner runs
void show_fired_frames(stop_hub& hub) noexcept;

// The running fiber: links and unlinks. `reachable` false: no stop from outside concerns it. \return it is inside of
// something stopped
bool push_frame(worker& w, stop_frame& f, bool reachable);  // \throws std::bad_alloc, only when there is no hub yet
void pop_frame(stop_frame& f) noexcept;                     // any thread

// The running fiber: the same for a frame that stops its owner, which sets what is visible inside.
bool enter_body(worker& w, stop_frame& f);  // \throws std::bad_alloc
void leave_body(worker& w, stop_frame& f) noexcept;

// At the time a watcher stands for (src/sched/deadline_frame.cpp); on the scheduler's stack.
void fire_deadline(fiber_record& watcher, worker& here) noexcept;

// The fiber has ended: tokens keep their state, frames that outlive it (of scopes) stand alone from now on.
void leave_hub(stop_hub& hub) noexcept;

// Shields of the running fiber.
void shields_changed(fiber_record& self) noexcept;

}  // namespace weft::inline v0::detail
