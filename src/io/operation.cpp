// Entering, waiting and leaving. The protocol is written out in docs/design/io.md.
#include "io/operation.hpp"

#include <cerrno>  // error numbers
#include <chrono>  // nanoseconds
#include <poll.h>  // POLLIN, POLLOUT, POLLRDHUP

#include "io/epoll_backend.hpp"
#include "io/worker_poller.hpp"
#include "sched/poller.hpp"

namespace weft::inline v0::detail {

time_point time_limit::deadline() noexcept {
  if (!known_) {
    known_ = true;
    if (timeout_ns_ != unlimited) {
      const time_point start = now();
      const auto room = std::chrono::duration_cast<std::chrono::nanoseconds>(no_deadline - start).count();
      deadline_ = timeout_ns_ < room ? start + std::chrono::nanoseconds(timeout_ns_) : no_deadline;
    }
  }
  return deadline_;
}

std::int64_t timeout_until(time_point deadline) noexcept {
  if (deadline == no_deadline) {
    return -1;
  }
  const time_point start = now();  // compared first: the distance to a far past would overflow
  return deadline <= start ? 0 : std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - start).count();
}

descriptor_hold::descriptor_hold(descriptor_handle handle) noexcept {
  if (handle.slot == nullptr) {
    return;
  }
  descriptor_slot& slot = *handle.slot;
  slot.lock.lock();
  if (slot.generation == handle.generation && !slot.closing) {
    ++slot.users;
    fd_ = slot.fd;
    slot_ = &slot;
  }
  slot.lock.unlock();
}

descriptor_hold::~descriptor_hold() {
  if (slot_ != nullptr) {
    slot_->lock.lock();
    leave_and_unlock(*slot_);  // its error belongs to the closer's call, which has returned
  }
}

descriptor_operation::descriptor_operation(descriptor_handle handle, direction d) noexcept : direction_(d) {
  if (handle.slot == nullptr) {
    error_ = EBADF;
    return;
  }
  descriptor_slot& slot = *handle.slot;
  slot.lock.lock();
  descriptor_slot::side& side = slot.of(d);
  const bool shared = slot.shares(d);
  if (slot.generation != handle.generation || slot.closing) {
    error_ = EBADF;
  } else if (side.busy && !shared) {
    error_ = EBUSY;
  } else {
    side.busy = true;
    ++slot.users;
    // Who sends a datagram tries in any case: that another is just sending one says nothing about the room for it.
    has_token_ = side.ready || (shared && d == direction::write);
    side.ready = false;
    fd_ = slot.fd;
    slot_ = &slot;
  }
  slot.lock.unlock();
}

descriptor_operation::~descriptor_operation() {
  if (slot_ == nullptr) {
    return;
  }
  descriptor_slot& slot = *slot_;
  waiter_queue claimed;
  slot.lock.lock();
  descriptor_slot::side& side = slot.of(direction_);
  side.busy = false;
  // A token not used up goes to the next who waits (several may on a listener), else stays for the next who enters.
  const bool left = has_token_ && (!short_read_ || slot.hung_up);
  if (left && !claim_first(side.waiters, wake::notified, claimed)) {
    side.ready = true;
  }
  leave_and_unlock(slot);  // its error belongs to the closer's call, which has returned
  deliver_all(claimed);
}

int descriptor_operation::wait(time_limit& limit, const char* what) {
  waited_ = true;
  const time_point deadline = limit.deadline();
  if (!on_worker()) {
    const int error = wait_on_thread(deadline);
    has_token_ = error == 0 || error == ETIMEDOUT;
    return error;
  }
  if (ring* const on = current_ring(ring_call::poll)) {
    const std::uint32_t events = direction_ == direction::read ? POLLIN | POLLRDHUP : POLLOUT;
    const os::result r = perform(*on, {.call = ring_call::poll, .fd = fd_, .flags = events}, limit, what);
    const int error = r.ok() || r.error == EAGAIN || r.error == EINTR ? 0 : r.error;
    has_token_ = error == 0 || error == ETIMEDOUT;
    return error;
  }
  const int error = wait_in_fiber(deadline, what);
  // After a timeout the caller tries once more without an edge; what it leaves must not be forgotten.
  has_token_ = error == 0 || error == ETIMEDOUT;
  return error;
}

// Adds the descriptor to the worker's epoll set unless it is in one, or another operation is adding it: then that
// one's first event, which tells the present state, wakes this one too.
int descriptor_operation::register_with_poller() noexcept {
  descriptor_slot& slot = *slot_;
  slot.lock.lock();
  const bool done = slot.set != nullptr || slot.registering;
  slot.lock.unlock();
  if (done) {
    return 0;
  }
  int error = 0;
  poll_backend* const backend = current_backend(error);
  if (backend == nullptr) {
    return error;
  }
  epoll_set* const set = backend->set();
  if (set == nullptr) {
    return EOPNOTSUPP;  // a ring that cannot poll is never made
  }
  set->ref();
  slot.lock.lock();
  const bool mine = slot.set == nullptr && !slot.registering && !slot.closing;
  slot.registering |= mine;
  const std::uint32_t generation = slot.generation;
  slot.lock.unlock();
  if (!mine) {
    set->unref();
    return 0;
  }
  return finish_registration(*set, set->add(fd_, slot.index, generation));
}

int descriptor_operation::finish_registration(epoll_set& set, int error) noexcept {
  descriptor_slot& slot = *slot_;
  waiter_queue claimed;
  slot.lock.lock();
  slot.registering = false;
  const bool keep = error == 0 && !slot.closing;
  if (keep) {
    slot.set = &set;
  } else {
    for (auto& side : slot.sides) {  // who counted on this registration tries its own
      while (claim_first(side.waiters, wake::notified, claimed)) {
      }
    }
  }
  slot.lock.unlock();
  deliver_all(claimed);
  if (!keep) {
    if (error == 0) {
      set.remove(fd_);  // closed meanwhile: the closer saw no set to remove it from
    }
    set.unref();
  }
  return error;
}

int descriptor_operation::link(waiter& w, woken_by who) noexcept {
  descriptor_slot& slot = *slot_;
  slot.lock.lock();
  descriptor_slot::side& side = slot.of(direction_);
  // The other's attempt to register failed, or its poller ended.
  const bool unregistered = who == woken_by::edge && slot.set == nullptr && !slot.registering;
  if (slot.closing || side.ready || unregistered) {
    const int error = slot.closing ? ECANCELED : EAGAIN;
    side.ready = false;
    has_token_ = error == EAGAIN;  // owned from here on: were abandon() to find a stop, the next point throws it
    slot.lock.unlock();
    return error;
  }
  (who == woken_by::edge ? side.waiters : side.performing).push(w);
  slot.lock.unlock();
  return 0;
}

void descriptor_operation::unlink(waiter& w, woken_by who) noexcept {
  descriptor_slot& slot = *slot_;
  slot.lock.lock();
  if (w.linked) {
    descriptor_slot::side& side = slot.of(direction_);
    (who == woken_by::edge ? side.waiters : side.performing).remove(w);
  }
  slot.lock.unlock();
}

int descriptor_operation::wait_in_fiber(time_point deadline, const char* what) {
  if (const int error = register_with_poller(); error != 0) {
    return error;
  }
  waiter w{point::yes, what};
  if (const int error = link(w, woken_by::edge); error != 0) {
    w.abandon();
    return error == EAGAIN ? 0 : error;
  }
  const wake why = w.park(deadline, what);
  if (why == wake::notified) {
    return 0;  // the waker unlinked w and gave us the token
  }
  unlink(w, woken_by::edge);
  if (why == wake::stopped) {
    throw_cancelled(what);
  }
  return why == wake::closed ? ECANCELED : ETIMEDOUT;
}

int descriptor_operation::pause(time_point until, const char* what) {
  waited_ = true;
  waiter w{point::yes, what};
  if (const int error = link(w, woken_by::ring); error != 0) {
    w.abandon();
    return error == EAGAIN ? 0 : error;
  }
  const wake why = w.park(until, what);
  unlink(w, woken_by::ring);
  if (why == wake::stopped) {
    throw_cancelled(what);
  }
  return why == wake::closed ? ECANCELED : 0;
}

int descriptor_operation::wait_on_thread(time_point deadline) noexcept {
  int error = 0;
  thread_waker* waker = take_thread_waker(error);
  if (waker == nullptr) {
    return error;
  }
  descriptor_slot& slot = *slot_;
  slot.lock.lock();
  if (slot.closing) {
    slot.lock.unlock();
    put_thread_waker(*waker);
    return ECANCELED;
  }
  waker->linked = true;
  waker->next = slot.threads;
  slot.threads = waker;
  slot.lock.unlock();

  pollfd set[2] = {{.fd = fd_, .events = direction_ == direction::read ? short{POLLIN} : short{POLLOUT}, .revents = 0},
                   {.fd = waker->eventfd, .events = POLLIN, .revents = 0}};
  for (bool over = false; !over;) {
    const std::int64_t timeout_ns = timeout_until(deadline);
    const os::result r = os::poll(set, 2, timeout_ns);
    error = r.ok() ? (r.value == 0 ? ETIMEDOUT : 0) : r.error;
    over = error != EINTR && (error != ETIMEDOUT || timeout_ns == 0);  // woken early: the next turn polls
  }

  slot.lock.lock();
  const bool closed = !waker->linked;
  for (thread_waker** link = &slot.threads; !closed && *link != nullptr; link = &(*link)->next) {
    if (*link == waker) {
      *link = waker->next;
      waker->linked = false;
      break;
    }
  }
  slot.lock.unlock();
  if (closed) {
    await_thread_waker(*waker);  // the closer holds it until it has signalled
    error = ECANCELED;
  }
  put_thread_waker(*waker);
  return error;
}

}  // namespace weft::inline v0::detail
