/// \file   weft/sync/channel_core.hpp
/// \brief  What all channels share, whatever they carry. Private to weft; public only because channel<T> is a template.
#pragma once
#include <chrono>       // steady_clock
#include <cstddef>      // byte, size_t
#include <cstdint>      // uintptr_t
#include <memory>       // construct_at, destroy_at
#include <optional>     // optional
#include <type_traits>  // is_trivially_copyable
#include <utility>      // move

#include <weft/base/atomic.hpp>  // atomic
#include <weft/base/config.hpp>  // WEFT_EXPORT, WEFT_CACHE_LINE

namespace weft::inline v0::detail {

/// What the core needs to know of the values; one constant table per type.
struct value_ops {
  std::size_t size;
  std::size_t alignment;
  bool trivial;                             ///< moves run no code of the user's
  void (*put)(void* slot, void* value);     ///< moves a T into raw memory
  void (*take)(void* result, void* value);  ///< moves a T into an optional<T>; empty if that throws
  void (*destroy)(void* value) noexcept;
};

/// Such values are put in and taken out without a call when nobody waits.
template <class T>
inline constexpr bool is_copied_at_once = std::is_trivially_copyable_v<T>&& std::is_copy_constructible_v<T>;

template <class T>
inline constexpr value_ops value_ops_of{
    .size = sizeof(T),
    .alignment = alignof(T),
    .trivial = std::is_trivially_copyable_v<T>,
    .put = [](void* slot, void* value) { ::new (slot) T(std::move(*static_cast<T*>(value))); },
    .take = [](void* result,
               void* value) { static_cast<std::optional<T>*>(result)->emplace(std::move(*static_cast<T*>(value))); },
    .destroy = [](void* value) noexcept { std::destroy_at(static_cast<T*>(value)); },
};

/// How an attempt or a wait ended. again: the other side's move failed on this one's behalf.
enum class exchange : std::uint8_t { not_ready, done, closed, again };
enum class side : bool { send, receive };

struct channel_wait;
class channel_core;

/// One place in a channel's queue: of a blocked send or receive, or of one case of a blocked select.
struct channel_node {
  channel_node* next = nullptr;  // under the channel's lock, as prev and linked
  channel_node* prev = nullptr;
  bool linked = false;
  side which = side::send;
  channel_core* channel = nullptr;
  void* value = nullptr;  // T of a sender, optional<T> of a receiver
  channel_wait* wait = nullptr;
  channel_node* peer = nullptr;  // the same wait's next place
};

/// Word, lists and ring of a channel. Functions that say "locked" need its lock.
class alignas(WEFT_CACHE_LINE) channel_core {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  WEFT_EXPORT channel_core(std::size_t capacity, const value_ops& ops);
  WEFT_EXPORT ~channel_core();
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  /// Sends or receives, waiting until `deadline`. \return done, closed, or not_ready: the deadline passed.
  WEFT_EXPORT exchange transfer(side which, void* value, time_point deadline);
  /// The same without waiting.
  WEFT_EXPORT exchange try_transfer(side which, void* value);
  WEFT_EXPORT void close() noexcept;

  // pairs with unlock(), here and in size()
  bool closed() const noexcept { return (word_.load(memory_order_acquire) & is_closed) != 0; }
  std::size_t size() const noexcept { return word_.load(memory_order_acquire) / one; }  // pairs with unlock()
  std::size_t capacity() const noexcept { return capacity_; }

  // ---- the short way of trivially copyable values, when nobody waits and the buffer has what it takes

  template <class T>
  bool put_at_once(const T& value) noexcept {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    // Acquire: the ring; pairs with whoever had the lock. Failure relaxed: the long way looks again.
    if ((seen & flags) != 0 || seen / one >= capacity_ ||
        !word_.compare_exchange_strong(seen, seen | locked, memory_order_acquire, memory_order_relaxed)) {
      return false;
    }
    std::size_t at = first_ + seen / one;
    if (at >= capacity_) at -= capacity_;
    std::construct_at(reinterpret_cast<T*>(slots_) + at, value);
    word_.store(seen + one, memory_order_release);  // pairs with the acquire of the next owner; the last touch
    return true;
  }
  template <class T>
  bool take_at_once(std::optional<T>& result) noexcept {
    std::uintptr_t seen = word_.load(memory_order_relaxed);  // relaxed: checked by the compare-exchange
    // Acquire: the ring; pairs with whoever had the lock. Failure relaxed: the long way looks again.
    if ((seen & flags) != 0 || seen < one ||
        !word_.compare_exchange_strong(seen, seen | locked, memory_order_acquire, memory_order_relaxed)) {
      return false;
    }
    result.emplace(reinterpret_cast<const T*>(slots_)[first_]);
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    word_.store(seen - one, memory_order_release);  // pairs with the acquire of the next owner; the last touch
    return true;
  }
  /// After a success that did not wait: may let other fibers run.
  WEFT_EXPORT static void spend();

  // ---- for src/sync

  class woken_list;
  class section;
  void lock() noexcept;
  void unlock() noexcept;
  const value_ops& ops() const noexcept { return *ops_; }
  bool looks_ready(side which) const noexcept;
  exchange attempt(side which, void* value, woken_list& woken);  // locked
  void link(channel_node& place) noexcept;                       // locked
  void unlink(channel_node& place) noexcept;                     // locked; nothing if it is not linked

 private:
  // The table of the word is in src/sync/channel_core.cpp.
  static constexpr std::uintptr_t locked = 1, is_closed = 2, senders_wait = 4, receivers_wait = 8, flags = 15, one = 16;

  bool promises(std::uintptr_t word, side which) const noexcept;
  exchange put(void* value, woken_list& woken);
  exchange take(void* result, woken_list& woken);
  void refill(woken_list& woken) noexcept;
  channel_node* claim_first(side which) noexcept;
  std::size_t count() const noexcept { return held_ / one; }
  std::byte* slot(std::size_t n) const noexcept;  // the n-th from the first value
  channel_node*& head(side which) noexcept { return which == side::send ? senders_ : receivers_; }

  atomic<std::uintptr_t> word_{0};
  std::uintptr_t held_ = 0;  // what unlock() will store; of the lock's owner
  std::size_t first_ = 0;    // slot of the oldest value
  std::byte* slots_ = nullptr;
  const std::size_t capacity_;
  channel_node* senders_ = nullptr;  // heads of circles, as in src/sync/wait_queue.hpp
  channel_node* receivers_ = nullptr;
  const value_ops* ops_;
};
static_assert(sizeof(channel_core) == WEFT_CACHE_LINE);

[[noreturn]] WEFT_EXPORT void throw_channel_closed();

}  // namespace weft::inline v0::detail
