// The barrier: a count of who is still to come, and the number of the phase that waiters want to see pass.
//
// | bits  | name         | meaning                                      | who changes it                                   |
// |-------|--------------|----------------------------------------------|--------------------------------------------------|
// | 0     | queue_locked | somebody works on the list; word is frozen   | compare-exchange sets, its owner clears          |
// | 2-31  | phase        | how many were completed, wraps               | next_phase()                                     |
// | 32-63 | count        | arrivals still to come in this phase         | arrive(), while queue_locked is clear            |
//
//   arrive                                          wait
//   1. take n off the count; not zero: done         a. the phase has changed: return; else take queue_locked
//   2. zero: run the completion function; nobody    b. link, release queue_locked
//      else can arrive, waiters come and go         c. park
//   3. take queue_locked, claim all waiters         d. not notified: take queue_locked, unlink if linked, release
//   4. store phase + 1 and the new count: last touch
//   5. deliver
// arrive_and_wait() takes its arrival off and links in one hold of queue_locked. So who completes the phase finds all the
// others linked, and none of them looks at the barrier again, which may be gone.
#include <weft/sync/barrier.hpp>

#include <optional>  // a waiter that is made when it is needed

#include "base/check.hpp"
#include "sync/wait_queue.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr const char* what = "barrier";
constexpr unsigned count_shift = 32;
constexpr std::uint64_t phase_mask = 0xffff'fffc;

std::uint32_t phase_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word & phase_mask); }
std::ptrdiff_t count_of(std::uint64_t word) noexcept { return static_cast<std::ptrdiff_t>(word >> count_shift); }
waiter_list list_of(waiter* first) noexcept { return waiter_list(reinterpret_cast<std::uintptr_t>(first)); }

}  // namespace

barrier_core::arrival barrier_core::arrive(std::ptrdiff_t n) noexcept {
  for (queue_spin contention;;) {
    std::uint64_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    WEFT_CHECK(n > 0 && n <= count_of(seen), "barrier: more arrivals in a phase than expected");
    const std::uint64_t next = seen - static_cast<std::uint64_t>(n) * one_arrival;
    // Release: what the caller did before; acquire: what the others did, for the completion; pairs with itself and with
    // unlock_queue(). Failure relaxed: looked at again.
    if (word_.compare_exchange_weak(seen, next, memory_order_acq_rel, memory_order_relaxed))
      return {phase_of(seen), count_of(next) == 0};
  }
}

void barrier_core::arrive_and_wait(arrival& made) {
  // relaxed: arrive() looks again. Whoever is last needs no waiter, and does not care about a stop.
  if (count_of(word_.load(memory_order_relaxed)) == 1) {
    made = arrive(1);
    return;
  }
  std::optional<waiter> self;
  try {
    self.emplace(point::yes, what);
  } catch (...) {
    made = arrive(1);  // the arrival counts, whatever becomes of the wait
    throw;
  }
  for (queue_spin contention;;) {
    std::uint64_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    if ((seen & queue_locked) != 0) {
      contention.pause();
      continue;
    }
    if (count_of(seen) <= 1) {
      self->abandon();   // a stop that won meanwhile is kept for the next point
      made = arrive(1);  // the last one; or one too many, which is reported there
      return;
    }
    // Acquire: the links, and others' work that the store below hands on; pairs with unlock_queue() and arrive().
    // Failure relaxed: looked at again.
    if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      waiter_list waiting = list_of(first_);
      waiting.push_back(*self);
      first_ = waiting.front();
      unlock_queue(word_, seen - one_arrival);
      park(*self, no_deadline);
      return;
    }
  }
}

void barrier_core::expect_one_less() noexcept {
  // relaxed: the arrival that follows orders it before the completion of the phase, which reads it.
  expected_.fetch_sub(1, memory_order_relaxed);
}

void barrier_core::next_phase() noexcept {
  const std::uint64_t seen = lock_queue(word_);
  waiter_list waiting = list_of(first_);
  claimed_waiters woken;
  woken.claim_all(waiting);
  first_ = nullptr;
  const std::uint64_t next_phase = (seen + one_phase) & phase_mask;
  // relaxed: all who changed it have arrived since.
  const auto count = static_cast<std::uint64_t>(expected_.load(memory_order_relaxed));
  unlock_queue(word_, next_phase | count * one_arrival);  // the last touch
  woken.deliver_all();
}

bool barrier_core::wait_steady(std::uint32_t phase, time_point deadline) {
  // Acquire, here and below: the completion and all arrivals; pairs with unlock_queue() in next_phase().
  if (phase_of(word_.load(memory_order_acquire)) != phase) {
    spend_budget();
    return true;
  }
  waiter self(point::yes, what);
  for (queue_spin contention;;) {
    std::uint64_t seen = word_.load(memory_order_acquire);  // pairs with next_phase()
    if (phase_of(seen) != phase) {
      self.abandon();  // a stop that won meanwhile is kept for the next point
      return true;
    }
    if ((seen & queue_locked) != 0) {
      contention.pause();
      // Acquire: the links, and others' work that the store below hands on; pairs with unlock_queue() and arrive().
      // Failure relaxed: looked at again.
    } else if (word_.compare_exchange_weak(seen, seen | queue_locked, memory_order_acquire, memory_order_relaxed)) {
      note_queue_locked(word_);
      waiter_list waiting = list_of(first_);
      waiting.push_back(self);
      first_ = waiting.front();
      unlock_queue(word_, seen);
      return park(self, deadline);
    }
  }
}

// Waits, linked. \return true: the phase is complete
bool barrier_core::park(waiter& self, time_point deadline) {
  bool complete_meanwhile = false;
  const wake why = park_queued(self, deadline, what, [&] {
    const std::uint64_t seen = lock_queue(word_);
    waiter_list waiting = list_of(first_);
    complete_meanwhile = !self.linked;  // next_phase() came after the deadline had won: it was there nevertheless
    if (self.linked) waiting.remove(self);
    first_ = waiting.front();
    unlock_queue(word_, seen);
  });
  if (why == wake::notified) return true;
  if (why == wake::stopped) throw_cancelled(what);
  spend_budget();  // a loop that polls must not keep the others from arriving
  return complete_meanwhile;
}

void barrier_core::destroyed_in_use() const noexcept { fatal("a barrier is destroyed while somebody waits for it"); }

}  // namespace weft::inline v0::detail
