// Contexts for the tests of the switches: one type per switch, the same members, sanitizer hooks included.
// Where there is no inline switch, the other is all.
#pragma once
#include <cstdint>  // uintptr_t

#include "context/naked_switch.hpp"
#include "context/sanitizer.hpp"
#include "support/mapped_stack.hpp"

extern "C" void weft_naked_entry() noexcept;  // local to the library: its address names the outermost frame

namespace weft::testing {

// What both have: the stack, and what the sanitizers know. A default-made one stands for the OS thread's own context.
struct rig_base {
  detail::sanitizer_state sanitizer;
  void adopt_thread() noexcept { detail::sanitizer_adopt_thread_stack(sanitizer); }
  void bind(mapped_stack& stack) noexcept {
    detail::sanitizer_bind_stack(sanitizer, stack.bottom(), stack.bytes(), stack.tsan_handle);
  }
};

// The out-of-line switch. Its entry receives the value of the first switch, here always the rig's own argument.
struct naked_rig : rig_base {
  static constexpr const char* name = "naked";
  static std::uintptr_t outermost() noexcept { return reinterpret_cast<std::uintptr_t>(&weft_naked_entry); }
  void* saved = nullptr;
  void* argument = nullptr;

  void start(mapped_stack& stack, void (*entry)(void*) noexcept, void* for_entry) noexcept {
    bind(stack);
    argument = for_entry;
    saved = detail::make_naked_context(stack.top(), entry);
    detail::tell_stack_limits(saved, stack.bottom(), stack.lowest());
  }
  WEFT_SWITCH_SITE static void turn(naked_rig& from, naked_rig& to, bool from_ends = false) noexcept {
    detail::sanitizer_before_switch(from.sanitizer, to.sanitizer, from_ends);
    weft_switch(&from.saved, to.saved, to.argument);
    detail::sanitizer_after_switch(from.sanitizer);
  }
};

}  // namespace weft::testing

#if !defined(_WIN32)
#include "inline_rig.hpp"
#endif
