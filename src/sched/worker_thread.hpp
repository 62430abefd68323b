// What a worker's thread is guarded against: ends that its fibers bring about, and copies that fork() makes of it.
#pragma once

namespace weft::inline v0::detail {

// Of a worker's thread, from its beginning to its end. A thread that ends in between, by pthread_exit in a fiber, would
// leave its fibers waiting for ever, and nobody would know why: that is fatal. Cancellation is turned off.
class worker_thread_guard {
 public:
  worker_thread_guard() noexcept;
  ~worker_thread_guard();
  worker_thread_guard(const worker_thread_guard&) = delete;
  worker_thread_guard& operator=(const worker_thread_guard&) = delete;
};

// From now on a fiber in which fork() returns to a child may run on there, and call exec or _exit; but it may not suspend:
// its worker would go on to copies of the other fibers, whose descriptors are the parent's too.
void forbid_suspension_in_children() noexcept;

// What the system calls the calling thread.
int this_thread_number() noexcept;

}  // namespace weft::inline v0::detail
