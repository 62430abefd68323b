// Who sleeps and who searches: how published work finds a worker, and how no wake-up is ever lost.
// The one idea: both sides write first and look afterwards, in one total order (Dekker). A publisher that sees a search
// under way stays silent; in return whoever ends a search looks again after having said so.
//
// Sources are all places that a sleeper must not overlook: every worker's deque, every injector, and flags such as "the
// runtime ends". A worker's inbox is none: its marker and its nodes share one word (inbox.hpp), so that push() itself
// knows whom to wake.
//
//   publisher of X (worker or not)               worker without work
//   P1. publish X: deque.push_published(),       S1. announce: sleepers + 1, and searchers - 1 if it was one
//       injector.push()                          S2. inbox.fall_asleep(): sets the marker; there is mail: go to S5
//   P2. should_wake(): read sleepers and         S3. look at all sources; something there: go to S5
//       searchers; none, or a search on: done    S4. block until the marker is gone (or a timer, or an event)
//   P3. poke() the inboxes in turn until one     S5. inbox.wake_up(): clears the marker. By us: retract,
//       had a marker; none had: done                 sleepers - 1, searchers + 1. By a waker: the same, in its P4
//   P4. count_woken(): sleepers - 1,             S6. now a searcher: look for work in inbox and sources
//       searchers + 1                            S7. found, and taken: end_search(): searchers - 1. It was the last
//   P5. send the wake-up                             search, and a source still has something: P3 on behalf of silent
//                                                    publishers. (Not before it is taken: it would wake one for it.)
//                                                S8. found nothing: S1
//
// P1, P2, the reads of P3, and S1, S2, S3, S7 are sequentially consistent: they have one order, written <.
// Claim: while X is untaken, no worker w sleeps for good (its marker set and never claimed).
//   Suppose w does, and take its last S1 < S2 < S3. S3 did not see X, so S3 < P1, and S1 < S2 < S3 < P1 < P2 < P3.
//   So P2 counts w: its + 1 is in, and a - 1 for it needs its marker claimed.
//   - P2 saw no search on. P3 tries markers until it has one, and w's was set before: it does get one, of another
//     worker. That one is now a searcher to whom X is visible (poke releases, wake_up acquires). It takes X in S6, or
//     something else and ends its search by S7, after P1.
//   - P2 saw a search on. It ends after P2: each + 1 has a - 1 of its own, in either order, so that a sum above zero
//     means a - 1 still to come. By S1: its S3 comes after P1 and sees X, or mail spares it S3; either way it searches
//     on. By S7: after P1.
//   A search that ends by S7 after P1 and is not the last leaves one that ends later still. One that is the last looks
//   at the sources, sees X, and does P3. Each turn takes an item or wakes a worker: in the end X is taken, or w is the
//   only worker with a marker and P3 claims it.
// So work waits only while every worker runs something else, is searching, or is being woken.
//
// Why count_woken() may come late: the woken worker can be through S7 before its waker is through P4. The sum is then
// too small for a moment; searchers at -1 reads as "no search on" and costs a needless wake-up, never a lost one.
// Rejected: counting before the poke. When no marker is found, the count has to be taken back, and publishers that were
//   silent because of it would have to be made good for.
// Rejected: the woken worker counts itself. While its wake-up travels (33 us) each further publication wakes one more.
// Rejected: a bit per worker in one word: caps their number, and the marker in the inbox already says it.
#pragma once
#include <cstdint>  // int64_t, int32_t

#include <weft/base/atomic.hpp>  // real_atomics, memory orders
#include <weft/base/config.hpp>  // WEFT_CACHE_LINE

#include "sched/inbox.hpp"  // sleep_kind

namespace weft::inline v0::detail {

// Memory orders of the idle word, one name per site, so that the model tests can weaken one at a time.
struct idle_orders {
  static constexpr auto announce = memory_order_seq_cst;     // S1 before S3; pairs with should_wake
  static constexpr auto end_search = memory_order_seq_cst;   // S7 before its look; pairs with should_wake
  static constexpr auto should_wake = memory_order_seq_cst;  // P2 after P1; pairs with announce and end_search
  static constexpr auto count_woken = memory_order_release;  // a waker's last touch; pairs with balanced
  static constexpr auto balanced = memory_order_acquire;     // pairs with count_woken
};

// | bits  | name      | meaning                                                | who changes it                       |
// |-------|-----------|--------------------------------------------------------|--------------------------------------|
// | 0-31  | searchers | workers looking for work; signed: may be below zero    | searcher; waker, for the one it woke |
// | 32-63 | sleepers  | workers that announced sleep and have not been claimed | sleeper; waker, for the one it woke  |
// The word is the sum sleepers * 2^32 + searchers: every change is one addition.
template <class Atomics = real_atomics, class Orders = idle_orders>
class alignas(WEFT_CACHE_LINE) idle_set {
 public:
  idle_set() noexcept = default;
  idle_set(const idle_set&) = delete;
  idle_set& operator=(const idle_set&) = delete;

  // A worker without work starts to look around. Every search is ended by exactly one of end_search() and sleep().
  void begin_search() noexcept {
    word_.fetch_add(one_searcher, memory_order_relaxed);  // relaxed: makes publishers silent, its end is ordered
  }

  // The search found something (or the inbox had something). True: it was the last one; unless all sources are empty
  // now, the caller wakes another worker: publishers may have relied on this search for more than it found.
  [[nodiscard]] bool end_search() noexcept {
    return searchers_of(word_.fetch_sub(one_searcher, Orders::end_search)) <= 1;
  }

  // P2. The publisher of one item: true when it has to wake somebody.
  [[nodiscard]] bool should_wake() const noexcept {
    const std::int64_t word = word_.load(Orders::should_wake);
    return sleepers_of(word) > 0 && searchers_of(word) <= 0;
  }

  // P3 to P5. Wakes one sleeping worker, if there is one, trying `first` first. inbox_of(i) is worker i's inbox,
  // wake(i, kind) sends the message that ends a sleep of that kind. False when nobody slept.
  template <class InboxOf, class Wake>
  bool wake_one(unsigned workers, unsigned first, InboxOf&& inbox_of, Wake&& wake) noexcept {
    for (unsigned n = 0, i = first; n != workers; ++n, ++i) {
      i = i >= workers ? 0 : i;
      const sleep_kind kind = inbox_of(i).poke();
      if (kind != sleep_kind::none) {
        count_woken();
        wake(i, kind);
        return true;
      }
    }
    return false;
  }

  // P4. Whoever took a sleeper's marker, by poke() or by inbox::push(), counts the sleeper as a searcher.
  void count_woken() noexcept {
    // No more than a release for balanced(): taking the marker was the acquire that orders this after the sleeper's own
    // + 1; and too many sleepers or too few searchers, seen by a publisher, only cost a try.
    word_.fetch_add(one_searcher - one_sleeper, Orders::count_woken);
  }

  // S1 to S5. `searching`: the caller is a searcher and has found nothing. has_work() looks at all sources with
  // work_deque::empty() and injector::empty(); block() returns when the inbox's marker is gone, and whenever it likes.
  // Afterwards the caller is a searcher, whatever it was before.
  template <class Inbox, class HasWork, class Block>
  void sleep(Inbox& inbox, sleep_kind kind, bool searching, HasWork&& has_work, Block&& block) {
    word_.fetch_add(searching ? one_sleeper - one_searcher : one_sleeper, Orders::announce);
    if (inbox.fall_asleep(kind)) {
      if (!has_work()) {
        block();
      }
      if (!inbox.wake_up()) {
        return;  // whoever took the marker has counted us, or is about to
      }
    }
    // Relaxed: we are awake and shall search; as count_woken().
    word_.fetch_add(one_searcher - one_sleeper, memory_order_relaxed);
  }

  // True when every sleeper's marker that was taken has been counted, and nobody searches or sleeps. Acquire: pairs with
  // count_woken(), the last touch of this object by a waker from outside.
  bool balanced() const noexcept { return word_.load(Orders::balanced) == 0; }

  // For statistics and tests; out of date at once.
  int sleepers_hint() const noexcept { return sleepers_of(word_.load(memory_order_relaxed)); }    // relaxed: a hint
  int searchers_hint() const noexcept { return searchers_of(word_.load(memory_order_relaxed)); }  // as above

 private:
  static constexpr std::int64_t one_searcher = 1;
  static constexpr std::int64_t one_sleeper = std::int64_t{1} << 32;
  static int searchers_of(std::int64_t word) noexcept { return static_cast<std::int32_t>(word); }
  static int sleepers_of(std::int64_t word) noexcept {
    return static_cast<std::int32_t>((word - searchers_of(word)) >> 32);  // a negative low half has borrowed one
  }

  typename Atomics::template atomic<std::int64_t> word_{0};
};

}  // namespace weft::inline v0::detail
