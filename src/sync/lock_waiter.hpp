// Waiting for a lock whose newcomers may overtake those who wait: who is woken, and when the lock is handed over.
// The mutex and the shared mutex share it; their words differ, their promise does not.
//
// Unlocking wakes the first waiter and leaves the lock free: whoever comes first takes it. A woken waiter stays in the
// list until the lock is its own, so that later unlocks meet it there, and hand over when it has been overtaken for
// long. Only the first waiter is ever woken.
#pragma once
#include <chrono>  // milliseconds

#include "sched/driver.hpp"  // current_driver
#include "sched/worker.hpp"  // current_worker, has_thieves
#include "sync/wait_queue.hpp"

namespace weft::inline v0::detail {

// How long newcomers may overtake a waiter: the promise of the headers.
inline constexpr auto longest_overtaking = std::chrono::milliseconds(1);
// Wake-ups in vain before the lock is handed over, however short the time: where the waiter's worker is the unlocker's
// own, its holders suspend inside, and handing over saves the switches in vain (lock_yielding: 1 to 4 are alike); else
// enough to let the holders of one CPU go on among themselves for a while.
inline constexpr unsigned most_vain_wakes_here = 2;
inline constexpr unsigned most_vain_wakes = 16;
// While a woken waiter is on its way, the clock is read at the 1st, 3rd, 7th, ... unlock as long as they follow each
// other fast; after twice this many the lock is handed over, however short the time.
inline constexpr unsigned longest_interval = 1024;
inline constexpr auto fast_unlocks = std::chrono::microseconds(50);
// Looks at a locked lock before parking, where its holder may be running on another CPU.
inline constexpr unsigned longest_spin = 30;

// Written and read under queue_locked.
struct lock_waiter : waiter {
  lock_waiter(point p, const char* what) : waiter(p, what), home(current_worker()) { since = now(); }

  // Its wake-up was in vain: it waits on in its place. \return false: it cannot, a stop is pending
  // \pre queue_locked is the caller's: else an unlock could meet it half armed
  bool overtaken(point p) noexcept {
    ++vain;
    home = current_worker();
    woken = false;
    interval = until_look = 1;
    last_look = {};
    return arm_again(p);
  }

  const worker* home;        // null: a plain thread
  unsigned vain = 0;         // wake-ups so far that ended with a locked lock
  bool woken = false;        // it is on its way
  bool handed_over = false;  // it holds the lock
  unsigned interval = 1;     // unlocks from one look at the clock to the next
  unsigned until_look = 1;
  time_point last_look{};
};

// Called by each unlock: shall the first waiter be the next holder, whoever comes before it? Not before it has come once
// and found the lock taken, if another CPU runs it: that may be doing something else, and all would wait for it. On the
// unlocker's own worker it runs as soon as the unlocker parks, and not before.
inline bool is_its_turn(lock_waiter& w) noexcept {
  const bool runs_here = w.home != nullptr && w.home == current_worker();
  if (!w.woken) {
    if (w.vain >= (runs_here ? most_vain_wakes_here : most_vain_wakes)) return true;
    return (runs_here || w.vain != 0) && now() - w.since >= longest_overtaking;
  }
  if (!runs_here || --w.until_look != 0) return false;
  const time_point t = now();
  if (t - w.since >= longest_overtaking || w.interval == longest_interval) return true;
  w.interval = t - w.last_look < fast_unlocks ? w.interval * 2 : 1;
  w.until_look = w.interval;
  w.last_look = t;
  return false;
}

// What an unlock does with those who wait.
struct next_holder {
  lock_waiter* to_deliver = nullptr;  // it was asleep: deliver it after the last touch
  bool handed_over = false;           // the lock stays locked, for a waiter that is not in the list any more
};

// Wakes the first waiter that is still to be had, or hands over to it. Those whose timeout or stop has won are only
// unlinked: they must not use up the wake-up. An empty list afterwards, and nothing handed over: there was none.
inline next_holder choose_next_holder(waiter_list& waiting) noexcept {
  while (!waiting.empty()) {
    auto& first = static_cast<lock_waiter&>(*waiting.front());
    const bool asleep = !first.woken;
    if (asleep && !first.claim(wake::notified)) {
      waiting.remove(first);
      continue;
    }
    const bool its_turn = is_its_turn(first);
    first.woken = true;
    first.handed_over = its_turn;
    if (its_turn) waiting.remove(first);
    return {asleep ? &first : nullptr, its_turn};
  }
  return {};
}

// Parking at once is better where the holder cannot run before: on the only worker of a runtime.
inline bool worth_spinning() noexcept {
  const worker* w = current_worker();
  return w != nullptr ? w->has_thieves : current_driver() == nullptr;
}

}  // namespace weft::inline v0::detail
