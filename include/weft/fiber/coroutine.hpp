/// \file   weft/fiber/coroutine.hpp
/// \brief  A stackful coroutine: a function that can be left in the middle, at any depth, and resumed. No scheduler.
#pragma once
#include <concepts>     // invocable
#include <cstddef>      // size_t
#include <cstdint>      // fixed-width integers
#include <memory>       // construct_at, destroy_at
#include <type_traits>  // decay_t
#include <utility>      // exchange, forward, swap

#include <weft/base/config.hpp>           // WEFT_EXPORT
#include <weft/context/naked_switch.hpp>  // weft_switch
#include <weft/fiber/exception_words.hpp>

namespace weft::inline v0 {

namespace detail {

struct coroutine_core;

/// What is known of the closure; one table per type.
struct coroutine_ops {
  void (*run)(coroutine_core&);               ///< runs the closure and destroys it
  void (*destroy)(coroutine_core&) noexcept;  ///< destroys a closure that never ran
};

enum class coroutine_state : unsigned char { fresh, suspended, running, done };

/// Lies at the top of the coroutine's own stack, as the closure does; frames are below.
struct coroutine_core {
  coroutine_state state = coroutine_state::fresh;
  bool hooked = false;                 ///< a sanitizer must hear of each switch: the library makes them all
  bool unwinding = false;              ///< it is being destroyed
  bool failed = false;                 ///< an exception waits for the resumer
  void* inner_sp = nullptr;            ///< of the coroutine, while it does not run
  void* outer_sp = nullptr;            ///< of its resumer, while it does
  exception_words exceptions;          ///< of the coroutine, while it does not run
  void* limit = nullptr;               ///< lowest address of its stack
  const coroutine_ops* ops = nullptr;  ///< null until the closure is in place
  void* closure = nullptr;
  void* value = nullptr;  ///< generators: the element on offer
};

inline constexpr std::size_t default_coroutine_stack = std::size_t{256} * 1024;

/// Takes a stack, with room for a closure in it. \throws std::system_error, std::invalid_argument
[[nodiscard]] WEFT_EXPORT coroutine_core& make_coroutine(std::size_t stack_bytes, std::size_t closure_bytes,
                                                         std::size_t closure_align);
/// Unwinds a suspended body, destroys what is left, gives the stack back.
WEFT_EXPORT void destroy_coroutine(coroutine_core& core) noexcept;
/// Null is a broken contract: no coroutine here.
WEFT_EXPORT coroutine_core& existing_coroutine(coroutine_core* core) noexcept;

WEFT_EXPORT exception_words& thread_exceptions() noexcept;
// The unusual: broken contracts, sanitizers, unwinding.
WEFT_EXPORT void resume_coroutine_slowly(coroutine_core& core);
WEFT_EXPORT void yield_coroutine_slowly(coroutine_core& core);
WEFT_EXPORT void unwind_from_yield(coroutine_core& core);
[[noreturn]] WEFT_EXPORT void rethrow_failure(coroutine_core& core);

/// `more` exceptions are in flight below the coroutine, or fewer, modulo 2^16: what masks stops of its fiber.
WEFT_EXPORT void note_uncaught_below(std::uint16_t more) noexcept;

inline bool is_in_flight(const exception_words& a, const exception_words& b) noexcept {
  const auto caught = reinterpret_cast<std::uintptr_t>(a.caught) | reinterpret_cast<std::uintptr_t>(b.caught);
  return (caught | a.uncaught | b.uncaught) != 0;
}
/// What is in flight on this thread is the resumer's: it goes to `mine`, and the coroutine's takes its place. Nearly always
/// both are empty.
inline void park_resumers_exceptions(const coroutine_core& core, exception_words& mine) noexcept {
  exception_words& thread = thread_exceptions();
  mine = thread;
  if (is_in_flight(mine, core.exceptions)) [[unlikely]] {
    thread = core.exceptions;
    note_uncaught_below(static_cast<std::uint16_t>(mine.uncaught));
  }
}
inline void park_coroutines_exceptions(coroutine_core& core, const exception_words& mine) noexcept {
  exception_words& thread = thread_exceptions();
  core.exceptions = thread;
  if (is_in_flight(mine, core.exceptions)) [[unlikely]] {
    thread = mine;
    note_uncaught_below(static_cast<std::uint16_t>(-mine.uncaught));
  }
}

// Resuming and yielding are inlined for the sake of the CPU's stack of predicted return addresses: it belongs to the
// context that was left, so that each function that encloses the switch and returns costs a misprediction.
[[gnu::always_inline]] inline void resume_coroutine(coroutine_core& core) {
  const bool suspended = core.state == coroutine_state::suspended || core.state == coroutine_state::fresh;
  if (!suspended || core.hooked) [[unlikely]] {
    return resume_coroutine_slowly(core);
  }
  core.state = coroutine_state::running;
  exception_words mine;
  park_resumers_exceptions(core, mine);
  weft_switch(&core.outer_sp, core.inner_sp, &core);
  park_coroutines_exceptions(core, mine);
  if (core.failed) [[unlikely]] {
    rethrow_failure(core);
  }
}

[[gnu::always_inline]] inline void yield_coroutine(coroutine_core& core) {
  const void* const here = __builtin_frame_address(0);
  const bool inside = here > core.limit && here < static_cast<const void*>(&core);
  if (core.state != coroutine_state::running || !inside || core.hooked || core.unwinding) [[unlikely]] {
    return yield_coroutine_slowly(core);
  }
  core.state = coroutine_state::suspended;
  weft_switch(&core.inner_sp, core.outer_sp, nullptr);
  if (core.unwinding) [[unlikely]] {
    unwind_from_yield(core);
  }
}

/// The one owner of a core.
class coroutine_owner {
 public:
  coroutine_owner() noexcept = default;
  /// `Body` is callable with coroutine_core&.
  template <class Body, class... Args>
  coroutine_owner(std::in_place_type_t<Body>, std::size_t stack_bytes, Args&&... args)
      : core_(&make_coroutine(stack_bytes, sizeof(Body), alignof(Body))) {
    static constexpr coroutine_ops ops = {
        .run =
            [](coroutine_core& core) {
              const struct closure_end {
                Body& body;
                ~closure_end() { std::destroy_at(&body); }
              } end{*static_cast<Body*>(core.closure)};
              end.body(core);
            },
        .destroy = [](coroutine_core& core) noexcept { std::destroy_at(static_cast<Body*>(core.closure)); },
    };
    try {
      std::construct_at(static_cast<Body*>(core_->closure), std::forward<Args>(args)...);
    } catch (...) {
      destroy_coroutine(*core_);
      throw;
    }
    core_->ops = &ops;
  }
  coroutine_owner(coroutine_owner&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  coroutine_owner& operator=(coroutine_owner&& other) noexcept {
    std::swap(core_, other.core_);
    coroutine_owner(std::move(other));  // ends what was here before
    return *this;
  }
  ~coroutine_owner() {
    if (core_ != nullptr) {
      destroy_coroutine(*core_);
    }
  }

  coroutine_core* get() const noexcept { return core_; }

 private:
  coroutine_core* core_ = nullptr;
};

}  // namespace detail

/// A function with a stack of its own. It runs when it is resumed, on the resumer's thread, and until it yields.
///
///     weft::coroutine c{[](weft::coroutine& self) {
///       for (int i = 0; i < 3; ++i) self.yield();
///     }};
///     while (!c.done()) c.resume();
///
/// Destroyed while suspended, it is unwound: its pending yield() throws an exception of a private type, so that the
/// destructors on its stack run. A `catch (...)` that swallows it gets it again from the next yield(); under a
/// `noexcept` frame it terminates. A yield() in a destructor that runs meanwhile returns at once.
///
/// Threads:  one thread, the one that first resumed it: its frames may hold addresses of thread-locals.
/// State:    floating-point control (defaults at first) and exceptions in flight belong to the coroutine; so it may
///           yield inside a catch block or a destructor. It begins with FE_INEXACT raised, and making one raises it.
/// Memory:   a guarded stack, `stack_size` of address space, committed by touch. Stacks are reused.
/// Cost:     a resume and a yield are two out-of-line switches and two looks at the thread's exception state.
class coroutine {
 public:
  /// No coroutine: done() is true.
  coroutine() noexcept = default;

  /// `body` is called as body(self) at the first resume(). It is destroyed when it returns.
  /// \throws std::system_error      no stack can be had.
  /// \throws std::invalid_argument  stack_size is out of range (16 KiB to 64 MiB), or too small for the closure.
  template <class Body>
  requires(!std::same_as<std::decay_t<Body>, coroutine> &&
           std::invocable<std::decay_t<Body>&, coroutine&>) explicit coroutine(Body&& body,
                                                                               std::size_t stack_size =
                                                                                   detail::default_coroutine_stack)
      : owner_(std::in_place_type<closure<std::decay_t<Body>>>, stack_size, std::forward<Body>(body)),
        core_(owner_.get()) {}

  coroutine(coroutine&& other) noexcept : owner_(std::move(other.owner_)), core_(std::exchange(other.core_, nullptr)) {}
  coroutine& operator=(coroutine&& other) noexcept {
    if (this == &other) return *this;
    detail::coroutine_core* const core = std::exchange(other.core_, nullptr);
    owner_ = std::move(other.owner_);
    core_ = core;
    return *this;
  }
  ~coroutine() = default;

  /// Runs the body until it yields or ends; an exception that leaves the body leaves resume(), and the coroutine is
  /// done. \return true when it can be resumed again. \pre !done(), and not called from inside (checked).
  bool resume() {
    detail::resume_coroutine(detail::existing_coroutine(core_));
    return !done();
  }

  /// Inside: suspends until the next resume(). From any depth of calls, on the coroutine's own stack (checked).
  void yield() { detail::yield_coroutine(detail::existing_coroutine(core_)); }

  /// The body has returned or thrown, or there is none.
  bool done() const noexcept { return core_ == nullptr || core_->state == detail::coroutine_state::done; }
  explicit operator bool() const noexcept { return !done(); }

 private:
  template <class Body>
  struct closure {
    template <class From>
    explicit closure(From&& from) : body(std::forward<From>(from)) {}
    void operator()(detail::coroutine_core& core) {
      coroutine self;  // another view of the same coroutine, which does not own it: stays put when the owner moves
      self.core_ = &core;
      body(self);
    }
    Body body;
  };

  detail::coroutine_owner owner_;
  detail::coroutine_core* core_ = nullptr;
};

}  // namespace weft::inline v0
