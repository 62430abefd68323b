/// \file   weft/fiber/stop_state.hpp
/// \brief  What stop tokens, stop sources, stop callbacks and a fiber share. Private to weft.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/base/atomic.hpp>     // atomic
#include <weft/base/config.hpp>     // WEFT_EXPORT
#include <weft/fiber/fiber_id.hpp>  // fiber_id

namespace weft::inline v0::detail {

/// One registered callback; the base of stop_callback, so that registering allocates nothing.
struct alignas(8) stop_callback_node {  // 8: the word keeps three bits of its own beside its address
  using run_fn = void (*)(stop_callback_node&) noexcept;
  explicit stop_callback_node(run_fn f) noexcept : run(f) {}
  const run_fn run;
  stop_callback_node* next = nullptr;  // links of the list, guarded by the state's lock
  stop_callback_node* prev = nullptr;
  bool linked = false;
};

/// Counted by everybody who holds a pointer to it. Protocol and life of a callback: docs/design/stop.md.
///
/// | bits | name      | meaning                                                | who changes it                           |
/// |------|-----------|--------------------------------------------------------|------------------------------------------|
/// | 0    | locked    | somebody works on the list; the word is frozen         | compare-exchange sets, its owner clears  |
/// | 1    | requested | stop was requested; nothing is linked any more after   | owner of locked, once; never cleared     |
/// | 3-63 | head      | newest registered callback that has not begun          | owner of locked                          |
class stop_block {
 public:
  /// One reference and one source: whoever makes it.
  stop_block() noexcept = default;
  stop_block(const stop_block&) = delete;
  stop_block& operator=(const stop_block&) = delete;

  void retain() noexcept { references_.fetch_add(1, memory_order_relaxed); }  // relaxed: the caller holds a reference
  WEFT_EXPORT void release() noexcept;
  void add_source() noexcept { sources_.fetch_add(1, memory_order_relaxed); }   // relaxed: the caller is a source
  void drop_source() noexcept { sources_.fetch_sub(1, memory_order_release); }  // pairs with stop_possible()

  [[nodiscard]] bool stop_requested() const noexcept {
    return (word_.load(memory_order_acquire) & requested) != 0;  // pairs with mark_requested()
  }
  /// Requested, or somebody is left who can.
  [[nodiscard]] bool stop_possible() const noexcept {
    // Acquire: the last source may have requested stop before it went; pairs with drop_source().
    return sources_.load(memory_order_acquire) != 0 || stop_requested();
  }

  /// Marks the state and runs the callbacks in the calling fiber or thread, outside of all locks; they may suspend.
  /// \return true: the caller was the first. \pre the caller holds a reference or is sure that one stays.
  WEFT_EXPORT bool request_stop() noexcept;
  /// The two halves of it, for a requester with something to do in between. Only the first to mark runs the callbacks.
  WEFT_EXPORT bool mark_requested() noexcept;
  WEFT_EXPORT void run_callbacks() noexcept;

  /// False: stop was requested before, and the caller runs the callback itself.
  WEFT_EXPORT bool add(stop_callback_node& node) noexcept;

  enum class removal : std::uint8_t { done, running_elsewhere };
  /// Afterwards the callback neither begins nor runs, unless it runs in another fiber than `me`: then `to_wake` (a packed
  /// wait, 0: none) is woken when it has returned.
  removal remove(stop_callback_node& node, fiber_id me, std::uint64_t to_wake) noexcept;

  stop_block* next_in_walk = nullptr;  // of whoever marked it, until it has run the callbacks

 private:
  static constexpr std::uintptr_t locked = 1;
  static constexpr std::uintptr_t requested = 2;
  static constexpr std::uintptr_t head = ~std::uintptr_t{7};
  std::uintptr_t lock() noexcept;
  void unlock(std::uintptr_t value) noexcept;
  stop_callback_node* begin_next(fiber_id runner) noexcept;
  std::uint64_t end_running() noexcept;

  atomic<std::uintptr_t> word_{0};
  atomic<std::uint32_t> references_{1};
  atomic<std::uint32_t> sources_{1};
  // Guarded by locked. One callback runs at a time, and only its destructor waits for it: one of each is enough.
  stop_callback_node* running_ = nullptr;  // only compared: it may have destroyed itself
  fiber_id runner_;                        // who runs it
  std::uint64_t waiting_ = 0;              // packed wait of whoever destroys it elsewhere
};

}  // namespace weft::inline v0::detail
