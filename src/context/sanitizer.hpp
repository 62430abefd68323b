// What AddressSanitizer, ThreadSanitizer and MemorySanitizer must be told about a switch. With none, every type here is
// empty and every function does nothing, so that callers need no conditionals.
//
// One switch, in a function marked WEFT_SWITCH_SITE:
//   sanitizer_before_switch(from, to, from_ends);   // last thing before
//   switch_context(from_context, to_context);
//   sanitizer_after_switch(from);                   // first thing after, once somebody has come back
// The entry function of a context is marked too, begins with sanitizer_after_switch(self) and only then calls others.
// A context that ends calls before_switch with from_ends = true and must not touch its frames afterwards: the fake
// stack that may hold them is gone. Hence the attribute: the site itself has no instrumented frame.
#pragma once
#include <cstddef>  // size_t

#include <weft/base/config.hpp>           // ABI check
#include <weft/base/with_sanitizers.hpp>  // WEFT_WITH_ASAN, WEFT_WITH_TSAN, WEFT_WITH_MSAN

#if defined(WEFT_WITH_ASAN)
#include <sanitizer/asan_interface.h>         // __asan_unpoison_memory_region
#include <sanitizer/common_interface_defs.h>  // __sanitizer_start_switch_fiber, __sanitizer_finish_switch_fiber
#elif defined(WEFT_WITH_TSAN)
#include <sanitizer/tsan_interface.h>  // __tsan_create_fiber, __tsan_switch_to_fiber
#elif defined(WEFT_WITH_MSAN)
#include <sanitizer/msan_interface.h>  // __msan_start_switch_fiber, __msan_finish_switch_fiber
#endif

// A function that holds a switch, or a context's entry: invisible to the sanitizers. ThreadSanitizer's record of calls
// must not see them either: an entry never returns, and a record that grew by one call per context that a pooled handle
// has served would overflow. MemorySanitizer passes what it knows of arguments by thread-local words that every function
// writes before a call: a site goes on doing so, and takes all that it reads for initialized.
#if defined(WEFT_WITH_MSAN)
#define WEFT_SWITCH_SITE __attribute__((noinline, no_sanitize("memory")))
#elif defined(__clang__)
#define WEFT_SWITCH_SITE \
  __attribute__((noinline, disable_sanitizer_instrumentation, no_sanitize("address"), no_sanitize("thread")))
#else
#define WEFT_SWITCH_SITE __attribute__((noinline, no_sanitize("address"), no_sanitize("thread")))
#endif

namespace weft::inline v0::detail {

#if defined(WEFT_WITH_ASAN)

// Bounds of the stack a context runs on, and where its locals are kept while detect_stack_use_after_return is on.
struct sanitizer_state {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  void* fake_stack = nullptr;
};

// For the context an OS thread was born with: `self` receives the bounds of that thread's own stack.
void sanitizer_adopt_thread_stack(sanitizer_state& self) noexcept;

// Frames that were left without returning leave their red zones behind; the next user of that memory must not meet them.
[[gnu::always_inline]] inline void sanitizer_unpoison(void* bottom, std::size_t bytes) noexcept {
  __asan_unpoison_memory_region(bottom, bytes);
}

// For a context about to run from the start on [bottom, bottom + bytes), fresh or recycled.
[[gnu::always_inline]] inline void sanitizer_bind_stack(sanitizer_state& self, void* bottom, std::size_t bytes,
                                                        void*& /*tsan_handle*/) noexcept {
  sanitizer_unpoison(bottom, bytes);
  self = {.bottom = bottom, .bytes = bytes, .fake_stack = nullptr};
}

[[gnu::always_inline]] inline void sanitizer_release_handle(void*& /*tsan_handle*/) noexcept {}

[[gnu::always_inline]] inline void sanitizer_before_switch(sanitizer_state& from, const sanitizer_state& to,
                                                           bool from_ends) noexcept {
  __sanitizer_start_switch_fiber(from_ends ? nullptr : &from.fake_stack, to.bottom, to.bytes);
}

[[gnu::always_inline]] inline void sanitizer_after_switch(sanitizer_state& self) noexcept {
  __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
}

// The same where the context that was left may be any: `left` receives the bounds of its stack.
[[gnu::always_inline]] inline void sanitizer_after_switch_from(sanitizer_state& self, sanitizer_state& left) noexcept {
  __sanitizer_finish_switch_fiber(self.fake_stack, &left.bottom, &left.bytes);
}

// Before a switch from a context that may be any: what must be known to come back to it.
[[gnu::always_inline]] inline void sanitizer_note_current(sanitizer_state& /*self*/) noexcept {}

#elif defined(WEFT_WITH_TSAN)

// ThreadSanitizer's picture of the context: a clock and a shadow stack.
struct sanitizer_state {
  void* fiber = nullptr;
};

[[gnu::always_inline]] inline void sanitizer_adopt_thread_stack(sanitizer_state& self) noexcept {
  self.fiber = __tsan_get_current_fiber();
}

[[gnu::always_inline]] inline void sanitizer_unpoison(void* /*bottom*/, std::size_t /*bytes*/) noexcept {}

// Making a TSan fiber takes milliseconds and some 100 KiB, and their number is limited: the handle stays with the stack
// memory and serves one context after the other.
[[gnu::always_inline]] inline void sanitizer_bind_stack(sanitizer_state& self, void* /*bottom*/, std::size_t /*bytes*/,
                                                        void*& tsan_handle) noexcept {
  if (tsan_handle == nullptr) {
    tsan_handle = __tsan_create_fiber(0);
  }
  self.fiber = tsan_handle;
}

// Before stack memory goes back to the system. \pre no context is on it
[[gnu::always_inline]] inline void sanitizer_release_handle(void*& tsan_handle) noexcept {
  if (tsan_handle != nullptr) {
    __tsan_destroy_fiber(tsan_handle);
    tsan_handle = nullptr;
  }
}

// Flags 0: what `from` did happens before what `to` does next, which is true, as one thread runs both.
[[gnu::always_inline]] inline void sanitizer_before_switch(sanitizer_state& /*from*/, const sanitizer_state& to,
                                                           bool /*from_ends*/) noexcept {
  __tsan_switch_to_fiber(to.fiber, 0);
}

[[gnu::always_inline]] inline void sanitizer_after_switch(sanitizer_state& /*self*/) noexcept {}
[[gnu::always_inline]] inline void sanitizer_after_switch_from(sanitizer_state& /*self*/,
                                                               sanitizer_state& /*left*/) noexcept {}
[[gnu::always_inline]] inline void sanitizer_note_current(sanitizer_state& self) noexcept {
  self.fiber = __tsan_get_current_fiber();
}

#elif defined(WEFT_WITH_MSAN)

// Bounds of the stack a context runs on. What is known of its bytes lies beside them and needs no telling.
struct sanitizer_state {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
};

void sanitizer_adopt_thread_stack(sanitizer_state& self) noexcept;
[[gnu::always_inline]] inline void sanitizer_unpoison(void* /*bottom*/, std::size_t /*bytes*/) noexcept {}
[[gnu::always_inline]] inline void sanitizer_bind_stack(sanitizer_state& self, void* bottom, std::size_t bytes,
                                                        void*& /*tsan_handle*/) noexcept {
  self = {.bottom = bottom, .bytes = bytes};
}
[[gnu::always_inline]] inline void sanitizer_release_handle(void*& /*tsan_handle*/) noexcept {}
[[gnu::always_inline]] inline void sanitizer_before_switch(sanitizer_state& /*from*/, const sanitizer_state& to,
                                                           bool /*from_ends*/) noexcept {
  __msan_start_switch_fiber(to.bottom, to.bytes);
}
[[gnu::always_inline]] inline void sanitizer_after_switch(sanitizer_state& /*self*/) noexcept {
  __msan_finish_switch_fiber(nullptr, nullptr);
}
[[gnu::always_inline]] inline void sanitizer_after_switch_from(sanitizer_state& /*self*/,
                                                               sanitizer_state& left) noexcept {
  __msan_finish_switch_fiber(&left.bottom, &left.bytes);
}
[[gnu::always_inline]] inline void sanitizer_note_current(sanitizer_state& /*self*/) noexcept {}

#else

struct sanitizer_state {};
inline void sanitizer_adopt_thread_stack(sanitizer_state& /*self*/) noexcept {}
inline void sanitizer_unpoison(void* /*bottom*/, std::size_t /*bytes*/) noexcept {}
inline void sanitizer_bind_stack(sanitizer_state& /*self*/, void* /*bottom*/, std::size_t /*bytes*/,
                                 void*& /*tsan_handle*/) noexcept {}
inline void sanitizer_release_handle(void*& /*tsan_handle*/) noexcept {}
inline void sanitizer_before_switch(sanitizer_state& /*from*/, const sanitizer_state& /*to*/,
                                    bool /*from_ends*/) noexcept {}
inline void sanitizer_after_switch(sanitizer_state& /*self*/) noexcept {}
inline void sanitizer_after_switch_from(sanitizer_state& /*self*/, sanitizer_state& /*left*/) noexcept {}
inline void sanitizer_note_current(sanitizer_state& /*self*/) noexcept {}

#endif

}  // namespace weft::inline v0::detail
