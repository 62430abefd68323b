// A stop token that ends a wait: for the length of a park, a callback that claims the waiter.
//
// It claims with wake::closed, without the lock of the primitive: the waiter is alive, because ~stop_wake waits for a
// callback that runs. So it needs nothing of the primitive, which may be gone by then, and like a timeout it uses up no
// notification: what loses against it moves on, and the waiter unlinks itself.
#pragma once
#include <weft/sync/stop_token.hpp>  // stop_registration

#include "sched/park.hpp"  // waiter, deliver

namespace weft::inline v0::detail {

class stop_wake : stop_registration {
 public:
  // Between linking and parking, so that no stop falls between the look at the token and the wait: one that came before
  // ends the wait at once. \pre `w` outlives it
  stop_wake(const stop_token& token, waiter& w) noexcept : stop_registration(&end_wait), waiter_(w) { enlist(token); }
  ~stop_wake() { withdraw(); }
  stop_wake(const stop_wake&) = delete;
  stop_wake& operator=(const stop_wake&) = delete;

 private:
  friend detail::stop_registration;
  static void end_wait(detail::stop_callback_node& node) noexcept {
    waiter& w = from<stop_wake>(node).waiter_;
    if (w.claim(wake::closed)) deliver(w);
  }
  waiter& waiter_;
};

}  // namespace weft::inline v0::detail
