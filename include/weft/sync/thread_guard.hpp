/// \file   weft/sync/thread_guard.hpp
/// \brief  A guard for mutexes of the OS thread, such as std::mutex, that does not let the fiber suspend.
#pragma once
#include <mutex>  // lock_guard

#include <weft/sched/this_fiber.hpp>  // no_suspend

namespace weft::inline v0 {

/// As std::lock_guard, for a mutex that belongs to the OS thread. A fiber that suspended while it holds one would leave it
/// locked for whatever its worker runs next, which may want it too: a deadlock, sooner or later. With this guard the
/// suspension itself aborts, with the fiber's name and what it was about to wait for, the first time it happens.
///
/// Blocking: locking blocks the worker's thread as long as another thread holds the mutex. Keep sections short, or use
///           weft::mutex.
template <class Mutex>
class [[nodiscard]] thread_guard {
 public:
  explicit thread_guard(Mutex& m) : lock_(m), section_("holding a mutex of the OS thread") {}
  thread_guard(const thread_guard&) = delete;
  thread_guard& operator=(const thread_guard&) = delete;

 private:
  std::lock_guard<Mutex> lock_;
  no_suspend section_;
};

}  // namespace weft::inline v0
