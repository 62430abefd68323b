// The transitions of the word that every wait goes through (table of its bits: parker in weft/fiber/record.hpp).
// The one idea: notification, timeout, stop and close all try to clear `armed` of one generation; one compare-exchange
// succeeds, and only its owner may deliver. Everything else of a wait is cleaned up by the waiter itself.
//
//   waiter (the only one to arm)                   wakers, any number
//   1. arm: generation + 1, armed; a stop that     a. try_claim(generation): armed and the same generation -> outcome
//      came earlier is seen here, one that comes   b. request_stop: stop, and as try_claim if a point is armed
//      later sees armed: never neither             c. the winner, and nobody else, makes the waiter run
//   2. disarm, or wait until claimed
// Between waits only the stop bits may change under the waiter's hands, from 0 to 1: arming is tried again then.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/base/atomic.hpp>   // real_atomics, memory orders
#include <weft/fiber/record.hpp>  // parker: the bits

#include "sched/park.hpp"  // wake, point

namespace weft::inline v0::detail {

// Memory orders of the park word, one name per site, so that the model tests can weaken one at a time.
struct park_orders {
  // Release: the waiter's state, for the winner; pairs with claim and stop. Acquire: what was written before a stop that
  // this wait hides, for later looks; pairs with stop.
  static constexpr auto arm = memory_order_acq_rel;
  static constexpr auto pending =
      memory_order_acquire;  // what was written before a stop that arming sees; pairs with stop
  // Release: what the winner wrote before it won; pairs with outcome and disarm. Acquire: pairs with arm.
  static constexpr auto claim = memory_order_acq_rel;
  static constexpr auto stop = memory_order_acq_rel;     // as claim; and release for arm and stopped
  static constexpr auto disarm = memory_order_acquire;   // pairs with claim, when it comes too late
  static constexpr auto outcome = memory_order_acquire;  // pairs with claim and stop
  static constexpr auto stopped = memory_order_acquire;  // pairs with stop
};

struct arm_result {
  std::uint32_t generation;  // of the armed wait
  bool stop_pending;         // nothing is armed: the wait is a point, and a stop was requested before it
};

struct stop_result {
  bool first;    // nobody had requested it before
  bool claimed;  // a wait was ended by it: the caller delivers
};

template <class Atomics = real_atomics, class Orders = park_orders>
struct park_word {
  using word_type = typename Atomics::template atomic<std::uint64_t>;

  // Owner, while nothing is armed. `p` is yes when a stop of the fiber may end this wait: a cancellation point, not
  // masked; `inner` is yes when a frame inside of the mask that fires may.
  static arm_result arm(word_type& word, point p, point inner) noexcept {
    const std::uint64_t points =
        (p == point::yes ? parker::point : 0) + (inner == point::yes ? parker::inner_point : 0);
    std::uint64_t before = word.load(Orders::pending);
    for (;;) {
      const std::uint64_t kept = before & (parker::stop | parker::inner_stop | parker::thread);
      const std::uint64_t after = (before & generation_mask) + one_generation + kept + parker::armed + points;
      // Never armed with a pending stop, not even for a moment: a stop of the other kind could end the wait meanwhile.
      if ((before & stop_bits_for(points)) != 0) return {generation_of(after), true};
      if (word.compare_exchange_weak(before, after, Orders::arm, Orders::pending)) return {generation_of(after), false};
    }
  }
  static arm_result arm(word_type& word, point p) noexcept { return arm(word, p, p); }

  // Any thread: ends wait `generation` with `why`. True: the caller won and delivers. Only the generation's bits in
  // `mask` are compared: a packed waiter has kept 16 of them.
  static bool try_claim(word_type& word, std::uint32_t generation, wake why, std::uint32_t mask = ~0U) noexcept {
    std::uint64_t seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    while ((seen & parker::armed) != 0 && ((generation_of(seen) ^ generation) & mask) == 0) {
      // Failure relaxed: another winner, or a stop request that did not claim; nothing of theirs is read.
      if (word.compare_exchange_weak(seen, claimed(seen, why), Orders::claim, memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // Any thread: sets the stop bit, and ends the armed wait if it is a point. A second request does nothing: the first
  // has claimed, or arming has seen it.
  static stop_result request_stop(word_type& word) noexcept {
    std::uint64_t seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    while ((seen & parker::stop) == 0) {
      const bool ends_wait = (seen & parker::armed) != 0 && (seen & parker::point) != 0;
      const std::uint64_t next = (ends_wait ? claimed(seen, wake::stopped) : seen) | parker::stop;
      // Failure relaxed: only looked at, and tried again.
      if (word.compare_exchange_weak(seen, next, Orders::stop, memory_order_relaxed)) {
        return {true, ends_wait};
      }
    }
    return {false, false};
  }

  // Any thread, under the lock of the fiber's hub: a frame has fired that the running code sees. \return a wait was ended
  // by it: the caller delivers
  static bool request_inner_stop(word_type& word) noexcept {
    std::uint64_t seen = word.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    while ((seen & parker::inner_stop) == 0) {
      const bool ends_wait = (seen & parker::armed) != 0 && (seen & parker::inner_point) != 0;
      const std::uint64_t next = (ends_wait ? claimed(seen, wake::stopped) : seen) | parker::inner_stop;
      // Failure relaxed: only looked at, and tried again.
      if (word.compare_exchange_weak(seen, next, Orders::stop, memory_order_relaxed)) return ends_wait;
    }
    return false;
  }

  // Owner, while nothing is armed, under the lock of its hub.
  static void set_inner_stop(word_type& word, bool visible) noexcept {
    if (visible) {
      word.fetch_or(parker::inner_stop,
                    memory_order_relaxed);  // relaxed: the lock orders it after those who set the bit,
    } else {                                // and the owner is who reads it
      word.fetch_and(~parker::inner_stop, memory_order_relaxed);  // relaxed: as above
    }
  }

  // Owner: whether a stop is pending for code that sees stops of the fiber (`p`) and of frames (`inner`).
  static bool pending(const word_type& word, point p, point inner) noexcept {
    const std::uint64_t points =
        (p == point::yes ? parker::point : 0) + (inner == point::yes ? parker::inner_point : 0);
    return (word.load(Orders::stopped) & stop_bits_for(points)) != 0;
  }

  // Owner: gives the wait up. none: it is over, nobody can win it any more. Otherwise why it was claimed: the winner
  // delivers, and the owner has to await that.
  static wake disarm(word_type& word) noexcept {
    const std::uint64_t found = word.fetch_and(~parker::armed, Orders::disarm);
    return (found & parker::armed) != 0 ? wake::none : outcome_of(found);
  }

  // Owner: why the wait ended; none while it is armed.
  static wake outcome(const word_type& word) noexcept {
    const std::uint64_t seen = word.load(Orders::outcome);
    return (seen & parker::armed) != 0 ? wake::none : outcome_of(seen);
  }

  // Any thread: a stop was requested.
  static bool stopped(const word_type& word) noexcept { return (word.load(Orders::stopped) & parker::stop) != 0; }

  // Owner: the record gets a new fiber. The generation goes on, so that wakers of the old one keep losing.
  // \pre nobody can request a stop of the old fiber any more (its id has been made stale first).
  static void recycle(word_type& word) noexcept {
    const std::uint64_t seen = word.load(memory_order_relaxed);  // relaxed: nobody else changes it now
    // Relaxed: whoever hands the new fiber out publishes it; stale wakers only compare.
    word.store(seen & (generation_mask | parker::thread), memory_order_relaxed);
  }

  static constexpr std::uint32_t generation_of(std::uint64_t value) noexcept {
    return static_cast<std::uint32_t>(value >> parker::generation_shift);
  }

 private:
  static constexpr std::uint64_t one_generation = std::uint64_t{1} << parker::generation_shift;  // wraps into nothing
  static constexpr std::uint64_t generation_mask = ~(one_generation - 1);

  // point is stop's neighbour, inner_point that of inner_stop.
  static_assert(parker::point == parker::stop << 1 && parker::inner_point == parker::inner_stop << 1);
  static constexpr std::uint64_t stop_bits_for(std::uint64_t points) noexcept { return points >> 1; }

  static constexpr wake outcome_of(std::uint64_t value) noexcept {
    return static_cast<wake>((value & parker::outcome_mask) >> parker::outcome_shift);
  }
  static constexpr std::uint64_t claimed(std::uint64_t value, wake why) noexcept {
    return (value & ~(parker::armed | parker::outcome_mask)) |
           (std::uint64_t{static_cast<std::uint8_t>(why)} << parker::outcome_shift);
  }
};

}  // namespace weft::inline v0::detail
