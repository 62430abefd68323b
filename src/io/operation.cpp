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

// \pre slot_->lock is held, which is released
void descriptor_operation::leave_shared(bool gives_back) noexcept {
  descriptor_slot& slot = *slot_;
  waiter_queue claimed;
  slot.busy_in(direction_) = false;
  // A token not used up goes to the next who waits (several may on a listener), else stays for the next who enters.
  if (gives_back && !claim_first(slot.of(direction_).waiters, wake::notified, claimed)) {
    slot.ready_in(direction_) = true;
  }
  leave_and_unlock(slot);  // its error belongs to the closer's call, which has returned
  deliver_all(claimed);
}

int descriptor_operation::wait(time_limit& limit, const char* what) {
  waited_ = true;
  if (here_ == nullptr) [[unlikely]] {
    const int error = wait_on_thread(limit.deadline());
    has_token_ = error == 0 || error == ETIMEDOUT;
    return error;
  }
  if (ring* const on = ring_of(here_, ring_call::poll)) {
    const std::uint32_t events = direction_ == direction::read ? POLLIN | POLLRDHUP : POLLOUT;
    const os::result r = perform(*on, {.call = ring_call::poll, .fd = fd_, .flags = events}, limit, what);
    const int error = r.ok() || r.error == EAGAIN || r.error == EINTR ? 0 : r.error;
    has_token_ = error == 0 || error == ETIMEDOUT;
    return error;
  }
  const int error = wait_in_fiber(limit.deadline(), what);
  // After a timeout the caller tries once more without an edge; what it leaves must not be forgotten.
  has_token_ = error == 0 || error == ETIMEDOUT;
  return error;
}

// Adds the descriptor to the worker's epoll set unless it is in one, or another operation is adding it: then that
// one's first event, which tells the present state, wakes this one too.
int descriptor_operation::register_with_poller() noexcept {
  descriptor_slot& slot = *slot_;
  int error = 0;
  poll_backend* const backend = backend_of(*here_, error);
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
  if (slot.closing || slot.ready_in(direction_)) [[unlikely]] {
    const int error = slot.closing ? ECANCELED : EAGAIN;
    slot.ready_in(direction_) = false;
    has_token_ = error == EAGAIN;  // owned from here on: were abandon() to find a stop, the next point throws it
    slot.lock.unlock();
    return error;
  }
  if (who == woken_by::edge && slot.set == nullptr && !slot.registering) [[unlikely]] {
    slot.lock.unlock();
    return ENOENT;
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

[[gnu::always_inline]] inline int descriptor_operation::wait_in_fiber(time_point deadline, const char* what) {
  waiter w{point::yes, here_, what};
  for (int error = link(w, woken_by::edge); error != 0; error = link(w, woken_by::edge)) {
    w.abandon();
    if (error == ENOENT) {
      error = register_with_poller();
    }
    if (error != 0) {
      return error == EAGAIN ? 0 : error;
    }
    if (!w.arm_again(point::yes)) {
      throw_cancelled(what);
    }
  }
  const wake why = w.park_inline(deadline, what);
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
