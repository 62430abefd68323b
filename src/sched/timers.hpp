// Timers of one worker: a 4-ary heap of {deadline, parker, generation of its wait}.
//
// An entry is never searched for: a wait that ends early leaves its entry behind, and the entry's generation makes its
// claim lose. Left-behind entries are counted and swept out when they are the majority, so that adding is O(log n),
// ending a wait early is amortized O(1), and memory stays within twice the live timers.
//
// A fiber waits for one thing at a time, so that room reserved when it starts is room for ever: a timed wait allocates
// nothing and cannot fail once it is armed. Room is address space that costs a page when it is first used; it grows by
// moving page tables, not entries: a million timers never stop the worker to copy 24 MB.
#pragma once
#include <cstddef>  // size_t

#include <weft/fiber/record.hpp>

#include "sched/park.hpp"  // time_point

namespace weft::inline v0::detail {

class timer_heap {
 public:
  struct entry {
    time_point deadline;
    parker* who;
    std::uint32_t generation;
  };

  timer_heap() noexcept = default;
  ~timer_heap();
  timer_heap(const timer_heap&) = delete;
  timer_heap& operator=(const timer_heap&) = delete;

  // Makes room for the waits of that many fibers at a time. False: no memory, nothing changed.
  bool reserve(std::size_t fibers) noexcept { return fibers <= fibers_ || grow(fibers); }

  // Cannot fail while each fiber that room was reserved for has one timer.
  void add(time_point deadline, parker& who, std::uint32_t generation) noexcept;
  // A wait with a timer ended before its deadline.
  void note_abandoned() noexcept;
  // Removes the earliest entry if it is due. \return false: none is due
  bool pop_due(time_point now, entry& out) noexcept;
  // After some were popped: what ended waits left behind does not outstay the live timers; memory of a peak is given back.
  void tidy() noexcept;
  // When the earliest wait that still goes on is due; no_deadline when there is none.
  time_point next_deadline() noexcept;
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // Forgets what earlier waits left behind. \pre no live entry
  void clear() noexcept;

 private:
  static bool is_live(const entry& e) noexcept;
  bool grow(std::size_t fibers) noexcept;
  void sift_up(std::size_t hole, const entry& e) noexcept;
  void sift_down(std::size_t hole, const entry& e) noexcept;
  void remove_first() noexcept;
  void sweep() noexcept;
  void sweep_majority() noexcept;

  entry* heap_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;   // entries
  std::size_t fibers_ = 0;     // reserved for
  std::size_t abandoned_ = 0;  // entries whose wait is known to be over; may count a few too many
  std::size_t peak_ = 0;       // most entries since memory was last given back
};

}  // namespace weft::inline v0::detail
