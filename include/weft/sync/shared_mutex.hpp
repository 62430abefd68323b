/// \file   weft/sync/shared_mutex.hpp
/// \brief  A readers-writer lock for fibers and OS threads.
#pragma once
#include <chrono>        // time_point
#include <cstdint>       // uintptr_t
#include <shared_mutex>  // shared_lock: what users lock it with

#include <weft/base/atomic.hpp>        // atomic
#include <weft/base/config.hpp>        // WEFT_EXPORT
#include <weft/base/debug_checks.hpp>  // debug_checks

namespace weft::inline v0 {

namespace detail {
class waiter;
enum class point : bool;
}  // namespace detail

/// As std::shared_mutex; works in std::unique_lock, std::lock_guard, std::scoped_lock, std::lock and std::shared_lock.
///
/// Threads:  fibers of one or several runtimes and plain OS threads may use one at the same time.
/// Blocking: a waiting fiber parks and its worker runs others; a waiting OS thread sleeps in the kernel. Holders may
///           suspend while they hold it.
/// Ordering: unlock() happens-before every later lock() and lock_shared(), unlock_shared() before every later lock().
/// Fairness: a reader that comes while a writer waits, waits too; the unlock() of a writer lets in all readers that wait
///           then. So writers do not starve under a stream of readers, and a reader waits for one writer after the one it
///           found, at most, once that one has come. Among writers, and newcomers to a free lock, as weft::mutex.
/// Memory:   16 bytes, no allocation; a waiter's queue node lives on the waiter's own stack.
/// Life:     may be destroyed as soon as the last lock has been matched, even while the unlock before that one has not
///           returned yet.
/// Beware:   a reader that locks again while it holds it deadlocks if a writer came in between (std: undefined).
/// Not here: native_handle(), there is none to give.
class shared_mutex {
 public:
  constexpr shared_mutex() noexcept = default;
  /// \pre not locked, nobody waits (checked, also in release builds).
  ~shared_mutex() {
    // relaxed: whoever destroys it has synchronized with the last unlock already.
    if (word_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;

  /// Waits until nobody holds it and takes it. Not a cancellation point.
  /// \pre the caller does not hold it (it would wait for itself for ever; aborts with debug checks).
  /// \par Cost    one compare-exchange when it is free.
  /// \par Errors  std::bad_alloc: a plain thread's very first wait found no memory.
  void lock() {
    if (!take_if_free()) [[unlikely]]
      lock_slow();
  }
  /// \return true: taken. A failure draws on the fiber's budget of operations that do not wait, as mutex::try_lock().
  bool try_lock() { return take_if_free() || try_lock_slow(); }
  /// \pre the caller holds it alone (that somebody does is checked; that the caller does, with debug checks). Never
  /// suspends.
  /// \par Cost    one compare-exchange when nobody waits; else O(waiting readers).
  void unlock() noexcept {
    if (detail::debug_checks()) [[unlikely]]
      forget_writer();
    release();
  }

  /// Waits until no writer holds it or waits for it, and takes it beside other readers. Not a cancellation point.
  /// \par Cost    one compare-exchange when no writer is about.
  /// \par Errors  as lock()
  void lock_shared() {
    if (!join_readers()) [[unlikely]]
      lock_shared_slow();
  }
  /// \return true: taken. Fails when a writer holds it or waits for it; draws on the budget as try_lock().
  bool try_lock_shared() { return join_readers() || try_lock_shared_slow(); }
  /// \pre the caller holds it as a reader (that one does is checked; that the caller does, with debug checks). Never
  /// suspends.
  /// \par Cost    one compare-exchange, unless it is the last reader and a writer waits.
  void unlock_shared() noexcept {
    if (detail::debug_checks()) [[unlikely]]
      forget_reader();
    release_shared();
  }

 private:
  friend class shared_timed_mutex;
  class queue;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::uintptr_t queue_locked = 1, writer = 2, waiting = 4, reader = 8;

  bool take_if_free() noexcept {
    std::uintptr_t free = 0;
    // Acquire pairs with unlock() and unlock_shared(). Failure relaxed: looked at again by the slow way.
    const bool taken =
        word_.compare_exchange_strong(free, writer, detail::memory_order_acquire, detail::memory_order_relaxed);
    if (detail::debug_checks() && taken) [[unlikely]]
      note_writer();
    return taken;
  }
  bool join_readers() noexcept {
    std::uintptr_t seen = word_.load(detail::memory_order_relaxed);  // relaxed: checked by the compare-exchange
    // Acquire pairs with unlock(). Failure relaxed: looked at again by the slow way.
    const bool taken =
        (seen & (queue_locked | writer | waiting)) == 0 &&
        word_.compare_exchange_strong(seen, seen + reader, detail::memory_order_acquire, detail::memory_order_relaxed);
    if (detail::debug_checks() && taken) [[unlikely]]
      note_reader();
    return taken;
  }
  void release() noexcept {
    std::uintptr_t mine = writer;
    // Release pairs with lock() and lock_shared(). Failure relaxed: looked at again by unlock_slow().
    if (!word_.compare_exchange_strong(mine, 0, detail::memory_order_release, detail::memory_order_relaxed))
        [[unlikely]] {
      unlock_slow();
    }
  }
  void release_shared() noexcept {
    // relaxed: checked by the compare-exchange.
    std::uintptr_t seen = word_.load(detail::memory_order_relaxed);
    // Release pairs with lock(). Failure relaxed: looked at again by unlock_shared_slow().
    if ((seen & (queue_locked | waiting)) != 0 || seen < reader ||
        !word_.compare_exchange_strong(seen, seen - reader, detail::memory_order_release, detail::memory_order_relaxed))
        [[unlikely]] {
      unlock_shared_slow();
    }
  }
  // Debug checks only: src/sync/lock_owners.hpp.
  WEFT_EXPORT void note_writer() noexcept;
  WEFT_EXPORT void note_reader() noexcept;
  WEFT_EXPORT void forget_writer() noexcept;
  WEFT_EXPORT void forget_reader() noexcept;

  WEFT_EXPORT void lock_slow();
  WEFT_EXPORT bool try_lock_slow();
  WEFT_EXPORT void unlock_slow() noexcept;
  WEFT_EXPORT void lock_shared_slow();
  WEFT_EXPORT bool try_lock_shared_slow();
  WEFT_EXPORT void unlock_shared_slow() noexcept;
  WEFT_EXPORT bool try_lock_until_slow(time_point deadline);
  WEFT_EXPORT bool try_lock_shared_until_slow(time_point deadline);
  bool lock_steady(time_point deadline, detail::point p);
  bool lock_shared_steady(time_point deadline, detail::point p);
  bool spin_for(std::uintptr_t in_the_way, std::uintptr_t mine) noexcept;
  bool leave(detail::waiter& self) noexcept;
  bool leave_shared(detail::waiter& self) noexcept;
  [[noreturn]] WEFT_EXPORT void destroyed_in_use() const noexcept;

  detail::atomic<std::uintptr_t> word_{0};  // table in src/sync/shared_mutex.cpp
  detail::waiter* first_ = nullptr;         // the queue, under the word's lock
};

}  // namespace weft::inline v0
