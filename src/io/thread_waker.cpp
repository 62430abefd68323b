// The pool of wakers of plain threads.
#include "io/thread_waker.hpp"

#include <cerrno>  // EINTR, EAGAIN, ENOMEM
#include <new>     // nothrow

#include "base/check.hpp"
#include <weft/base/spin_lock.hpp>
#include "io/os.hpp"

namespace weft::inline v0::detail {
namespace {

spin_lock pool_lock;
thread_waker* pool = nullptr;  // guarded by pool_lock; as many as ever waited at a time

}  // namespace

thread_waker* take_thread_waker(int& error) noexcept {
  pool_lock.lock();
  thread_waker* waker = pool;
  if (waker != nullptr) {
    pool = waker->next;
  }
  pool_lock.unlock();
  if (waker != nullptr) {
    return waker;
  }
  const os::result made = os::make_eventfd();
  if (!made.ok()) {
    error = made.error;
    return nullptr;
  }
  waker = new (std::nothrow) thread_waker{.eventfd = made.fd()};
  if (waker == nullptr) {
    os::close(made.fd());
    error = ENOMEM;
  }
  return waker;
}

void put_thread_waker(thread_waker& waker) noexcept {
  pool_lock.lock();
  waker.next = pool;
  pool = &waker;
  pool_lock.unlock();
}

void signal_thread_waker(thread_waker& waker) noexcept {
  const os::result r = os::signal_eventfd(waker.eventfd);
  WEFT_CHECK(r.ok(), "eventfd of a waiting thread cannot be signalled: errno %d", r.error);
}

void await_thread_waker(thread_waker& waker) noexcept {
  for (;;) {
    const os::result r = os::drain_eventfd(waker.eventfd);
    if (r.ok()) {
      return;
    }
    WEFT_CHECK(r.error == EAGAIN || r.error == EINTR, "eventfd of a waiting thread cannot be read: errno %d", r.error);
    pollfd one{.fd = waker.eventfd, .events = POLLIN, .revents = 0};
    os::poll(&one, 1, -1);  // any failure: the loop reads again
  }
}

}  // namespace weft::inline v0::detail
