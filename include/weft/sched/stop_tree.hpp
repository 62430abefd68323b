/// \file   weft/sched/stop_tree.hpp
/// \brief  The tree that stops travel down: fibers, the frames open in them, scopes, their children. Private to weft.
///
/// A frame is a stretch of a fiber's execution that can be stopped on its own: a deadline, or a scope with its
/// children. The frames of a fiber hang on its hub (src/sched/stop_hub.hpp), outermost first. docs/design/stop.md.
#pragma once
#include <chrono>     // steady_clock
#include <cstddef>    // size_t
#include <cstdint>    // fixed-width integers
#include <exception>  // exception_ptr

#include <weft/base/atomic.hpp>
#include <weft/base/config.hpp>     // WEFT_EXPORT
#include <weft/base/spin_lock.hpp>  // spin_lock
#include <weft/fiber/record.hpp>    // fiber_record

namespace weft::inline v0::detail {

struct stop_hub;
class stop_block;
class stop_scope;
class stop_walk;
class waiter;
class worker;

struct stop_frame {
  // Written by push and pop, read under the hub's lock; null when linked nowhere: on a plain thread, or after the end of
  // the fiber that opened it.
  atomic<stop_hub*> hub{nullptr};
  stop_frame* outer = nullptr;  // this and all that follows: under the hub's lock
  stop_frame* inner = nullptr;
  stop_block* shared = nullptr;  // of tokens taken inside; made when somebody asks
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::uint16_t depth = 0;  // shields around it: a stop from outside of them does not reach it
  bool is_scope = false;
  bool stops_owner = false;  // when it fires, the code inside is stopped: a deadline, the body of with_scope
  bool fired = false;
  // The owner's, while it is inside a frame that stops it.
  bool is_barrier = false;           // opened during unwinding, as a shield is: the stop that unwinds stays outside
  std::uint16_t outer_uncaught = 0;  // fiber_block::inner_uncaught around it
};

/// A child of a scope, from its spawn to the end of its closure.
struct stop_child {
  stop_child* next = nullptr;
  stop_child* prev = nullptr;
  fiber_record* record = nullptr;
  stop_scope* in = nullptr;
  bool kept = false;  // somebody has, or had, a handle
};

/// The state of weft::scope. Locks: a fiber's hub before its scopes, a scope before the hubs of its children.
class WEFT_EXPORT stop_scope : public stop_frame {
 public:
  explicit stop_scope(bool stops_body);  ///< \throws std::bad_alloc
  ~stop_scope();                         ///< \pre nothing is left: wait_all() has returned
  stop_scope(const stop_scope&) = delete;
  stop_scope& operator=(const stop_scope&) = delete;

  void enter(stop_child& c,
             fiber_record& r) noexcept;      ///< \pre r has not been committed; it is born stopped if the scope is
  void leave(stop_child& c) noexcept;        ///< the last touch, unless the caller knows better
  void fail(std::exception_ptr e) noexcept;  ///< the first one is kept; stops the children
  /// A child has ended by weft::cancelled. \return the scope was stopped: then that is no failure, but if the stop came
  /// from outside, join() tells
  bool expects_cancelled() noexcept;
  void request_stop() noexcept;
  bool stop_requested() noexcept;
  bool failed() noexcept;

  void join();               ///< waits, running children that nobody has started; then throws the failure or cancelled
  void wait_all() noexcept;  ///< waits for all, no cancellation point
  void rethrow_failure();    ///< if there is one, once
  std::exception_ptr take_failure() noexcept;

 private:
  friend class stop_walk;
  bool wait(bool shielded);  // false: stopped while waiting
  bool run_own_child(bool shielded);
  bool hears_what_interrupts(const worker& w) noexcept;
  void drop_one() noexcept;
  bool cut_short() noexcept;

  spin_lock lock_{lock_rank::stop_tree};
  bool stopped_ = false;               // all: under lock_
  bool stopped_from_outside_ = false;  // and by nothing of its own before: request_stop(), a failure
  bool cut_short_ = false;             // a child was cancelled by that: its work is missing
  std::size_t count_ = 0;              // children, and walks that hold on to it
  stop_child* first_ = nullptr;
  waiter* joiners_ = nullptr;
  stop_scope* next_to_stop_ = nullptr;  // link of the walk that stopped it
  std::exception_ptr failure_;
};

/// A deadline for the code that runs while it lives, in the calling fiber.
class WEFT_EXPORT deadline_frame : public stop_frame {
 public:
  /// \throws std::bad_alloc; std::system_error(operation_not_permitted) outside a fiber
  explicit deadline_frame(std::chrono::steady_clock::time_point until);
  ~deadline_frame() { close(); }
  deadline_frame(const deadline_frame&) = delete;
  deadline_frame& operator=(const deadline_frame&) = delete;
  /// Ends it. \return its deadline passed, and nothing around it is stopped: a weft::cancelled from inside was its own
  bool close() noexcept;

  stop_block* callbacks = nullptr;  // of tokens that the deadline has stopped, for the watcher to run

 private:
  fiber_record* watcher_ = nullptr;  // a fiber that starts at the deadline
  std::uint32_t generation_ = 0;     // of the watcher's wait for it
  bool open_ = true;
};

}  // namespace weft::inline v0::detail
