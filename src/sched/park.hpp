// Parking: the one way to wait. Every blocking operation of weft, in a fiber or on a plain thread, is built on this.
//
// Protocol. A waiter lives on its owner's stack while the owner waits.
//   waiter's side                                        waker's side
//   1. waiter w{point::yes};        // arms, may throw   a. lock the primitive
//   2. lock the primitive, look again, link w, unlock    b. unlink w; if claim(w, wake::notified) keep it in a local list
//      (condition already true: unlock, w.abandon())     c. unlock the primitive: its last touch of it
//   3. wake why = w.park(deadline, "what for")           d. deliver() each kept waiter (read its next link first)
//   4. why != notified: lock, unlink w if linked, unlock
// Rules: claim() only under the lock that protects the link, so that the node cannot die meanwhile; a claimed waiter
// stays valid until it is delivered; after delivery neither it nor the primitive may be touched.
// Exactly one of notification, timeout, stop and close wins; a notification that loses moves on to the next waiter.
#pragma once
#include <chrono>   // steady_clock
#include <cstdint>  // fixed-width integers

#include <weft/fiber/record.hpp>

namespace weft::inline v0::detail {

using time_point = std::chrono::steady_clock::time_point;
inline constexpr time_point no_deadline = time_point::max();

// Why a wait ended. `closed` is for the primitive's own use (descriptor closed, channel closed).
enum class wake : std::uint8_t { none, notified, timed_out, stopped, closed };

// Whether a wait may be ended by a stop request. no: lock(), re-locking in a condition variable, destructors.
enum class point : bool { no, yes };

class worker;

// A waiter in a word that may hold it longer than its owner waits: parkers are never freed, and a stale generation
// loses. {48 bits of address, 16 bits of generation}.
inline std::uint64_t packed_waiter(const parker& who, std::uint32_t generation) noexcept {
  return (std::uint64_t{reinterpret_cast<std::uintptr_t>(&who)} << 16) | (generation & 0xffff);
}

// One wait of the calling fiber or plain thread: armed by its constructor, decided once.
class armed_wait {
 public:
  // With point::yes a pending stop throws weft::cancelled, unless it is masked by a shield or by unwinding.
  // `here` is the calling worker, null on a plain thread. `what` is that of park(): a pending stop is reported with it.
  armed_wait(point p, worker* here, const char* what);
  armed_wait(const armed_wait&) = delete;
  armed_wait& operator=(const armed_wait&) = delete;

  // Gives the wait up without suspending; if a waker has already won, its delivery is awaited. A notification that won
  // is returned, so that the caller can pass it on or count it.
  wake abandon() noexcept;

  // Suspends until claimed. `what` is a string literal, shown by dumps. Adds a timer when there is a deadline; a past
  // one polls. Never fails: a fiber's timer has had its room since the fiber started.
  wake park(time_point deadline, const char* what) noexcept;
  wake park_inline(time_point deadline, const char* what) noexcept;  // the same; src/sched/hot_path.hpp

  // The same object waits once more, its links untouched. \return false: nothing is armed, for a stop is pending
  // \pre the last wait was decided (park() or abandon() has returned), and no waker can still call claim() on it.
  bool arm_again(point p) noexcept;

  // Tries to win the wait for a waker. Thread-safe against all other wakers; call under the primitive's lock.
  bool claim(wake why) noexcept;
  bool claim_inline(wake why) noexcept;  // the same; src/sched/hot_path.hpp

  std::uint64_t packed() const noexcept { return packed_waiter(*self_, generation_); }

 private:
  friend void deliver(armed_wait& w) noexcept;
  bool arm(point p) noexcept;  // home_ and self_ are set
  wake park_timed(time_point deadline, const char* what) noexcept;
  friend void deliver_inline(armed_wait& w, worker* here) noexcept;
  wake park_thread(time_point deadline) noexcept;
  parker* self_;
  worker* home_;  // null on a plain thread
  std::uint32_t generation_;
};

// A wait that a primitive keeps in a queue.
// 8: queues keep three bits of their own beside its address.
class alignas(8) waiter : public armed_wait {
 public:
  waiter(point p, const char* what);
  waiter(point p, worker* here, const char* what);  // for a caller that knows its worker; src/sched/hot_path.hpp

  waiter* next = nullptr;  // links for the primitive's queue
  waiter* prev = nullptr;
  bool linked = false;
  std::uint8_t tag = 0;  // for the primitive
  void* data = nullptr;  // for the primitive
  time_point since{};    // set by primitives that bound waiting
};

// Makes the owner of a claimed waiter run: a push to its home's ready queue or inbox, or a futex wake.
void deliver(armed_wait& w) noexcept;
void deliver_inline(armed_wait& w,
                    worker* here) noexcept;  // for a caller that knows its worker; src/sched/hot_path.hpp

// The same in one step for a packed waiter. False: somebody else had won, or the wait is over.
bool claim_and_deliver(std::uint64_t packed, wake why) noexcept;
bool claim_and_deliver(std::uint64_t packed, wake why, worker* here) noexcept;  // for a caller that knows its worker

// Makes the owner of a claimed wait run, for a waker that knows the parker only (stop requests).
void deliver_claimed(parker& p) noexcept;

// Throws weft::cancelled, for primitives whose park() returned wake::stopped. `what` is a literal: the cancellation point,
// for a report should nobody be able to catch it.
[[noreturn]] void throw_cancelled(const char* what);
// Somebody else's weft::cancelled is about to be thrown on in the running fiber: `what` names where it comes out.
void note_cancellation_point(const char* what) noexcept;

// Budget: operations that succeed without parking call this; after 128 in one dispatch it yields. No-op on a plain
// thread. May suspend; not a cancellation point.
void spend_budget();
void spend_budget_inline(worker* here);  // for a caller that knows its worker; src/sched/hot_path.hpp

// Current time by the runtime's clock (virtual under a test runtime), or the steady clock on plain threads.
time_point now() noexcept;

}  // namespace weft::inline v0::detail
