// Registering a stop callback, and waiting in its destructor for the callback that is running.
//
//   ~stop_callback                                  the requester
//   1. not running elsewhere: unlinked, done        a. unlinks the next callback and names it as running, in one step
//   2. else arms a wait of its own                  b. calls it
//   3. looks again, leaves the wait in the state    c. takes the wait out of the state: last touch of it and the callback
//   4. parks                                        d. wakes it
// Only one callback of a state runs at a time and only its own destructor waits for it: the state has one place.
#include <weft/sync/stop_token.hpp>

#include <weft/sched/this_fiber.hpp>  // get_id, cancel_shield

#include "sched/park.hpp"

namespace weft::inline v0::detail {

void stop_registration::enlist(stop_token token) noexcept {
  stop_block* const block = stop_access::block_of(token);
  if (block == nullptr || !block->stop_possible()) return;
  block_ = block;  // before the list: the callback may run, and end this object, at once
  if (block->add(*this)) {
    stop_access::take(token);  // its reference is this object's now
    return;
  }
  block_ = nullptr;
  const cancel_shield shield;  // as in request_stop(): this fiber may be the stopped one
  run(*this);
}

// Out of line as a whole: GCC 12 takes block_ for uninitialized in a std::optional<stop_callback>.
void stop_registration::withdraw() noexcept {
  if (block_ == nullptr) return;
  stop_block& block = *block_;
  const fiber_id me = this_fiber::get_id();
  if (block.remove(*this, me, 0) == stop_block::removal::running_elsewhere) {
    constexpr const char* what = "a stop callback that runs elsewhere";
    waiter self(point::no, what);
    if (block.remove(*this, me, self.packed()) == stop_block::removal::running_elsewhere) {
      self.park(no_deadline, what);
    } else {
      self.abandon();
    }
  }
  block.release();
}

}  // namespace weft::inline v0::detail
