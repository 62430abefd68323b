/// \file   weft/sync/call_once.hpp
/// \brief  Runs an initializer once, whoever comes first.
#pragma once
#include <cstdint>     // uintptr_t
#include <functional>  // invoke
#include <utility>     // forward

#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {

struct once_flag;

namespace detail {

class waiter;

/// One call of call_once() that did not find the work done: it waits, or it runs the initializer.
class alignas(8) once_call {  // 8: the word keeps three bits of its own beside its address
 public:
  /// Waits while another call runs the initializer. Afterwards runs() says what is left to do.
  WEFT_EXPORT explicit once_call(once_flag& flag);
  /// The initializer has thrown, unless done() was called: the next one tries.
  ~once_call() {
    if (runs_) [[unlikely]]
      give_up();
  }
  once_call(const once_call&) = delete;
  once_call& operator=(const once_call&) = delete;

  bool runs() const noexcept { return runs_; }
  WEFT_EXPORT void done() noexcept;

 private:
  WEFT_EXPORT void give_up() noexcept;
  void wait_for_turn();

  once_flag& flag_;
  const void* const caller_;
  waiter* first_ = nullptr;  // while it runs: those who wait for it, under the flag's lock
  bool runs_ = false;
};

}  // namespace detail

/// As std::once_flag: 8 bytes, no allocation.
struct once_flag {
  constexpr once_flag() noexcept = default;
  /// \pre no initializer runs, so nobody waits (checked, also in release builds).
  ~once_flag() {
    // relaxed: whoever destroys it has synchronized with the last call already.
    const std::uintptr_t last = word_.load(detail::memory_order_relaxed);
    if (last != finished && last != 0) [[unlikely]]
      destroyed_in_use();
  }
  once_flag(const once_flag&) = delete;
  once_flag& operator=(const once_flag&) = delete;

 private:
  friend class detail::once_call;
  template <class Callable, class... Args>
  friend void call_once(once_flag& flag, Callable&& callable, Args&&... args);

  static constexpr std::uintptr_t finished = 2;
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;
  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/call_once.cpp
};

/// As std::call_once: the first call runs std::invoke(callable, args...), calls at the same time wait for it. If it throws,
/// the exception goes to its caller, and one of those who wait, in the order of their arrival, tries in its turn.
///
/// Threads:  from fibers of one or several runtimes and from plain OS threads. The initializer may suspend.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel. Not a
///           cancellation point; what the initializer does may be: then a stop is an exception like others.
/// Ordering: the end of the successful initializer happens-before the return of every call.
/// Life:     the flag may be destroyed as soon as a call has returned, even while the one that ran the initializer has
///           not returned yet.
/// Beware:   an initializer that calls call_once() with the same flag would wait for itself (std: deadlock); it is
///           reported, and the program ends. Through other fibers or threads it is a deadlock.
/// \par Cost    one load when it is done.
/// \par Errors  std::bad_alloc: a plain thread's very first wait found no memory.
template <class Callable, class... Args>
void call_once(once_flag& flag, Callable&& callable, Args&&... args) {
  // Acquire: what the initializer has written; pairs with once_call::done().
  if (flag.word_.load(detail::memory_order_acquire) == once_flag::finished) [[likely]]
    return;
  detail::once_call call(flag);
  if (!call.runs()) return;
  std::invoke(std::forward<Callable>(callable), std::forward<Args>(args)...);
  call.done();
}

}  // namespace weft::inline v0
