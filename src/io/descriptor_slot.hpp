// The state of one open descriptor. Slots are pooled for the process and never freed, so that an event, a closer or a
// handle that comes late finds a slot of another generation, never freed memory.
//
// Readiness is edge-triggered and held as one token per direction: "the system call is worth trying".
//
// | ready | meaning                                                  | who changes it                                   |
// |-------|----------------------------------------------------------|--------------------------------------------------|
// | true  | nothing is known to be exhausted, or an edge has come    | event; an operation that may have left something |
// | false | an operation holds the token, or found nothing left      | the operation that enters (it takes the token)   |
//
// An operation takes the token on entering and tries only when it got it, so an edge that comes between its EAGAIN and
// its wait sets the token again and the wait ends at once. An event for a direction with waiters hands the token to the
// first of them instead.
//
// Lock order: `lock` is a leaf; only claim() runs under it. Deliveries and system calls come after unlock.
#pragma once
#include <cstddef>  // offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/spin_lock.hpp>
#include "io/thread_waker.hpp"
#include "sched/park.hpp"
#include <weft/base/config.hpp>    // WEFT_CACHE_LINE
#include <weft/io/descriptor.hpp>  // descriptor_handle

namespace weft::inline v0::detail {

class epoll_set;

enum class direction : std::uint8_t { read, write };

// In which directions several operations may be inside at a time: of a stream in none, of a listener in reading, of a
// datagram socket in both.
enum class sharing : std::uint8_t { exclusive, readers, everyone };

// A FIFO of waiters through their own links; of those waiting on a descriptor, or of those claimed and not delivered.
class waiter_queue {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  void push(waiter& w) noexcept {
    w.next = nullptr;
    w.prev = tail_;
    w.linked = true;
    (tail_ == nullptr ? head_ : tail_->next) = &w;
    tail_ = &w;
  }
  // \pre w is in this queue
  void remove(waiter& w) noexcept {
    (w.prev == nullptr ? head_ : w.prev->next) = w.next;
    (w.next == nullptr ? tail_ : w.next->prev) = w.prev;
    w.linked = false;
  }
  // \return null when empty
  waiter* pop() noexcept {
    waiter* const w = head_;
    if (w != nullptr) {
      remove(*w);
    }
    return w;
  }
  unsigned size() const noexcept;  // counts
 private:
  waiter* head_ = nullptr;
  waiter* tail_ = nullptr;
};

// The first cache line is all that a read that waits, its event, and a write that need not wait touch of it.
struct alignas(WEFT_CACHE_LINE) descriptor_slot {
  struct side {
    waiter_queue waiters;     // parked fibers that an edge wakes
    waiter_queue performing;  // those whose call a ring makes, which wakes them itself
  };

  // All guarded by `lock`, except `index`, which never changes.
  spin_lock lock;
  bool closing = false;      // close() was called; no new operation enters
  bool registering = false;  // an operation is adding it to an epoll set
  bool hung_up = false;      // hangup, error or urgent data seen: a short read no longer means "exhausted"
  sharing shared = sharing::exclusive;
  bool ready[2] = {true, true};   // the tokens, by direction
  bool busy[2] = {false, false};  // an exclusive operation is inside
  std::uint32_t generation = 1;
  std::uint32_t users = 0;  // operations inside, and a close() in progress; the last one out closes the number
  int fd = -1;
  epoll_set* set = nullptr;  // where it is registered; holds a reference
  side sides[2];
  thread_waker* threads = nullptr;  // plain threads inside poll(2)
  descriptor_slot* next_free = nullptr;
  std::uint32_t index = 0;

  side& of(direction d) noexcept { return sides[static_cast<unsigned>(d)]; }
  bool& ready_in(direction d) noexcept { return ready[static_cast<unsigned>(d)]; }
  bool& busy_in(direction d) noexcept { return busy[static_cast<unsigned>(d)]; }
  bool shares(direction d) const noexcept {
    return shared == sharing::everyone || (shared == sharing::readers && d == direction::read);
  }
};

static_assert(offsetof(descriptor_slot, sides) + sizeof(descriptor_slot::side) <= WEFT_CACHE_LINE);

// Makes a slot own `fd`. \throws std::bad_alloc, std::system_error (table full); the caller still owns `fd` then.
// `ready` false: the first operation waits for an event before it tries.
descriptor_handle open_descriptor(int fd, sharing shared = sharing::exclusive, bool ready = true);

// close() of descriptor, for handles.
std::error_code close_descriptor(descriptor_handle handle) noexcept;

// Drops one user; the last one out of a closing slot closes the number and recycles the slot.
// \pre the caller is a user and holds slot.lock, which is released.
std::error_code leave_and_unlock(descriptor_slot& slot) noexcept;

// What the poller of the worker `here` calls for an event. A stale generation is ignored.
void on_descriptor_event(std::uint32_t index, std::uint32_t generation, std::uint32_t events, worker* here) noexcept;

// Nobody polls the set any more: its descriptors leave it and their waiters are told to look again.
// \pre called by the thread that polled it, so that no registration with it is under way.
void detach_all_from(epoll_set& set) noexcept;

// Fibers parked on an open descriptor now, in both directions together; stale as soon as it is told. Looks at every slot.
unsigned count_waiting(int fd) noexcept;

// How many slots there are, and how many of them own a number; stale as soon as it is told. Looks at every free slot.
struct slot_usage {
  std::uint32_t made = 0;
  std::uint32_t open = 0;
};
slot_usage count_slots() noexcept;

// Moves the first waiter that can still be claimed to `claimed`; false when there is none. \pre slot.lock is held.
bool claim_first(waiter_queue& waiters, wake why, waiter_queue& claimed) noexcept;
void deliver_all(waiter_queue& claimed) noexcept;

}  // namespace weft::inline v0::detail
