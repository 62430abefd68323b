/// \file   weft/sync/recursive_mutex.hpp
/// \brief  A mutex that its holder may lock again.
#pragma once
#include <cstdint>  // uint32_t

#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_EXPORT
#include <weft/sync/mutex.hpp>   // mutex

namespace weft::inline v0 {

namespace detail {

/// Who holds a recursive mutex, and how often.
class recursion {
 public:
  enum class entry { not_held, once_more, too_deep };
  /// What the caller may do: wait for the mutex, or nothing any more, it holds it.
  /// \throws std::bad_alloc  a plain thread's very first call.
  WEFT_EXPORT entry enter();
  WEFT_EXPORT void take() noexcept;   ///< \pre the caller has just locked the mutex
  WEFT_EXPORT bool leave() noexcept;  ///< \return true: that was the last level. \pre the caller holds it (checked)
  [[noreturn]] WEFT_EXPORT static void throw_too_deep();

  static constexpr std::uint32_t most_levels = (std::uint32_t{1} << 24) - 1;  ///< more are a recursion run wild

 private:
  atomic<const void*> owner_{nullptr};  ///< the holder's fiber or thread; written by the holder only
  std::uint32_t levels_ = 0;            ///< touched by the holder only
};

/// A recursive mutex over a plain one.
template <class Inner>
class recursive_over {
 public:
  constexpr recursive_over() noexcept = default;
  recursive_over(const recursive_over&) = delete;
  recursive_over& operator=(const recursive_over&) = delete;

  /// Takes it once more if the caller holds it; else waits until it is free. Not a cancellation point.
  /// \throws std::system_error  resource_unavailable_try_again: the caller holds it 2^24 - 1 times.
  void lock() {
    const auto entry = holder_.enter();
    if (entry == recursion::entry::too_deep) recursion::throw_too_deep();
    if (entry == recursion::entry::once_more) return;
    inner_.lock();
    holder_.take();
  }
  /// \return true: taken, once more if the caller holds it. False: another holds it, or the caller 2^24 - 1 times.
  bool try_lock() {
    return try_with([&] { return inner_.try_lock(); });
  }
  /// Takes back one lock() or successful try_lock(). \pre the caller holds it (checked). Never suspends.
  void unlock() noexcept {
    if (holder_.leave()) inner_.unlock();
  }

 protected:
  template <class TryInner>
  bool try_with(TryInner try_inner) {
    const auto entry = holder_.enter();
    if (entry != recursion::entry::not_held) return entry == recursion::entry::once_more;
    if (!try_inner()) return false;
    holder_.take();
    return true;
  }
  // Both protected: members of one access keep it a standard-layout class, as std wants.
  Inner inner_;  ///< its destructor checks that nobody holds it or waits
  recursion holder_;
};

}  // namespace detail

/// As std::recursive_mutex: lock(), try_lock(), unlock(). The owner is the fiber that locked it, or the thread when it
/// is a plain one; so fibers of one worker exclude each other.
///
/// Threads, blocking, ordering, fairness, life: as weft::mutex. Memory: 24 bytes, no allocation.
/// Not here: native_handle(), there is none to give.
class recursive_mutex : public detail::recursive_over<mutex> {};

}  // namespace weft::inline v0
