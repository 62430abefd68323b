// Coroutines: two contexts, the coroutine's and whoever resumed it, that switch to each other by the out-of-line switch.
//
//   top of the stack | coroutine | closure | frames ... down to the guard
//
// Who runs when:  resume() keeps the resumer's stack pointer in outer_sp and enters the coroutine; yield() and the end of
// the body go back there. What is in flight of exceptions is parked beside each stack pointer: every coroutine sees its
// own `throw;`, current_exception() and uncaught_exceptions(). What is parked below masks stops inside, too:
// coroutine_stops.cpp.
#include <weft/fiber/coroutine.hpp>

#include <cxxabi.h>   // __cxa_get_globals
#include <cstdint>    // uintptr_t
#include <exception>  // exception_ptr
#include <new>        // placement new
#include <stdexcept>  // invalid_argument
#include <utility>    // exchange

#include "base/check.hpp"
#include "context/naked_switch.hpp"
#include "context/sanitizer.hpp"
#include "context/switch.hpp"  // raise_inexact_flag
#include "fiber/low_stack.hpp"

namespace weft::inline v0::detail {
namespace {

// Leaves a yield() of a coroutine that is being destroyed. Nobody outside can name it, so that only `catch (...)` sees it.
struct forced_unwind {};

// A body that swallows the unwinding so often is in a loop that will not end.
constexpr unsigned swallows_allowed = 1000;

#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_TSAN) || defined(WEFT_WITH_MSAN)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

struct coroutine_record : coroutine_core {
  stack* memory = nullptr;
  std::exception_ptr failure;
  unsigned swallowed = 0;
  [[no_unique_address]] sanitizer_state inner_sanitizer;
  [[no_unique_address]] sanitizer_state outer_sanitizer;
};

coroutine_record& record_of(coroutine_core& core) noexcept { return static_cast<coroutine_record&>(core); }

WEFT_SWITCH_SITE void enter(coroutine_record& c) noexcept {
  sanitizer_note_current(c.outer_sanitizer);
  sanitizer_before_switch(c.outer_sanitizer, c.inner_sanitizer, false);
  weft_switch(&c.outer_sp, c.inner_sp, static_cast<coroutine_core*>(&c));
  sanitizer_after_switch(c.outer_sanitizer);
}

WEFT_SWITCH_SITE void leave(coroutine_record& c) noexcept {
  sanitizer_before_switch(c.inner_sanitizer, c.outer_sanitizer, false);
  weft_switch(&c.inner_sp, c.outer_sp, nullptr);
  sanitizer_after_switch_from(c.inner_sanitizer, c.outer_sanitizer);
}

[[gnu::noinline]] void run_body(coroutine_record& c) noexcept {
  try {
    c.ops->run(c);
  } catch (const forced_unwind&) {  // all destructors have run
  } catch (...) {
    c.failure = std::current_exception();
    c.failed = true;
  }
}

WEFT_SWITCH_SITE void coroutine_main(void* argument) noexcept {
  coroutine_record& c = record_of(*static_cast<coroutine_core*>(argument));
  sanitizer_after_switch_from(c.inner_sanitizer, c.outer_sanitizer);
  run_body(c);
  c.state = coroutine_state::done;
  sanitizer_before_switch(c.inner_sanitizer, c.outer_sanitizer, true);
  weft_switch(&c.inner_sp, c.outer_sp, nullptr);
  __builtin_trap();
}

// From the resumer's stack to the coroutine and back.
void run_until_it_yields(coroutine_record& c) noexcept {
  c.state = coroutine_state::running;
  exception_words mine;
  park_resumers_exceptions(c, mine);
  enter(c);
  park_coroutines_exceptions(c, mine);
}

std::byte* align_down(std::byte* p, std::size_t alignment) noexcept {
  return reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(p) & ~(std::uintptr_t{alignment} - 1));
}

}  // namespace

coroutine_core& make_coroutine(std::size_t stack_bytes, std::size_t closure_bytes, std::size_t closure_align) {
  if (closure_bytes + closure_align > stack_bytes / 4) {
    throw std::invalid_argument("weft: the closure of a coroutine takes more than a quarter of its stack");
  }
  stack& memory = acquire_low_stack(stack_bytes);
  std::byte* const at = align_down(memory.top() - sizeof(coroutine_record), alignof(coroutine_record));
  std::byte* const closure = align_down(at - closure_bytes, closure_align);
  std::byte* const frames = align_down(closure, 16);
  sanitizer_unpoison(memory.limit, memory.usable_bytes());
  auto& c = *::new (at) coroutine_record;
  c.hooked = sanitized;
  c.limit = memory.limit;
  c.closure = closure;
  c.memory = &memory;
  raise_inexact_flag();  // for whoever resumes it, most often this thread
  c.inner_sp = make_naked_context(frames, coroutine_main);
  tell_stack_limits(c.inner_sp, memory.limit, memory.slot);
  sanitizer_bind_stack(c.inner_sanitizer, memory.limit, static_cast<std::size_t>(frames - memory.limit),
                       memory.tsan_fiber);
  return c;
}

coroutine_core& existing_coroutine(coroutine_core* core) noexcept {
  WEFT_CHECK(core != nullptr, "coroutine: none here (default-made or moved from)");
  return *core;
}

// Not inlined, as the C++ runtime declares __cxa_get_globals const: a compiler would keep the address over a switch,
// after which another thread may be running the resumer.
[[gnu::noinline]] exception_words& thread_exceptions() noexcept {
  asm volatile("");
  return *reinterpret_cast<exception_words*>(abi::__cxa_get_globals());
}

void resume_coroutine_slowly(coroutine_core& core) {
  coroutine_record& c = record_of(core);
  WEFT_CHECK(c.state == coroutine_state::suspended || c.state == coroutine_state::fresh,
             "coroutine: resume() of one that %s", c.state == coroutine_state::done ? "is done" : "is running");
  run_until_it_yields(c);
  if (c.failed) {
    rethrow_failure(c);
  }
}

void rethrow_failure(coroutine_core& core) {
  core.failed = false;
  std::rethrow_exception(std::exchange(record_of(core).failure, nullptr));
}

void yield_coroutine_slowly(coroutine_core& core) {
  coroutine_record& c = record_of(core);
  auto* const here = static_cast<std::byte*>(__builtin_frame_address(0));
  WEFT_CHECK(c.state == coroutine_state::running && here > c.memory->limit && here < c.memory->top(),
             "coroutine: yield() from outside");
  if (!c.unwinding) {
    c.state = coroutine_state::suspended;
    leave(c);
  }
  if (c.unwinding) {
    unwind_from_yield(c);
  }
}

// Unwinds from here, unless a destructor that unwinding runs has called us: two exceptions at once would terminate.
void unwind_from_yield(coroutine_core& core) {
  if (std::uncaught_exceptions() != 0) {
    return;
  }
  WEFT_CHECK(record_of(core).swallowed++ < swallows_allowed,
             "a coroutine that is being destroyed swallowed its unwinding %u times", swallows_allowed);
  throw forced_unwind{};
}

void destroy_coroutine(coroutine_core& core) noexcept {
  coroutine_record& c = record_of(core);
  WEFT_CHECK(c.state != coroutine_state::running, "coroutine: destroyed while it runs");
  if (c.state == coroutine_state::suspended) {
    c.unwinding = true;
    run_until_it_yields(c);  // to its end: it cannot suspend any more
  } else if (c.state == coroutine_state::fresh && c.ops != nullptr) {
    c.ops->destroy(c);
  }
  stack& memory = *c.memory;
  c.~coroutine_record();  // an exception that came in place of the unwinding goes with it
  release_low_stack(memory);
}

}  // namespace weft::inline v0::detail
