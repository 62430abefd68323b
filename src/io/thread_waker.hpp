// How a plain OS thread waits for a descriptor: poll(2) on the descriptor and on an eventfd by which close() ends the
// wait. Wakers are pooled and never freed, and a closer that unlinked one signals it exactly once, so the waiting
// thread can tell whether a signal is still to come.
#pragma once

namespace weft::inline v0::detail {

struct thread_waker {
  int eventfd = -1;
  thread_waker* next = nullptr;  // slot's list, closer's list, or free list
  bool linked = false;           // in a slot's list; guarded by that slot's lock
};

// A waker of the caller's, from the pool or new. Null: no eventfd could be had, `error` is the errno.
thread_waker* take_thread_waker(int& error) noexcept;
void put_thread_waker(thread_waker& waker) noexcept;

// Ends the wait of a waker that the caller has unlinked.
void signal_thread_waker(thread_waker& waker) noexcept;
// Awaits that signal and consumes it.
void await_thread_waker(thread_waker& waker) noexcept;

}  // namespace weft::inline v0::detail
