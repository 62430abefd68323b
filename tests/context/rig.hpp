// Contexts for the tests of the switches: one type per switch, the same members, sanitizer hooks included.
#pragma once
#include "context/naked_switch.hpp"
#include "context/sanitizer.hpp"
#include "context/switch.hpp"
#include "support/mapped_stack.hpp"

namespace weft::testing {

// What both have: the stack, and what the sanitizers know. A default-made one stands for the OS thread's own context.
struct rig_base {
  detail::sanitizer_state sanitizer;
  void adopt_thread() noexcept { detail::sanitizer_adopt_thread_stack(sanitizer); }
  void bind(mapped_stack& stack) noexcept {
    detail::sanitizer_bind_stack(sanitizer, stack.bottom(), stack.bytes(), stack.tsan_handle);
  }
};

// The inline switch.
struct inline_rig : rig_base {
  static constexpr const char* name = "inline";
  detail::context saved;

  void start(mapped_stack& stack, void (*entry)(void*) noexcept, void* argument) noexcept {
    bind(stack);
    detail::make_context(saved, stack.top(), entry, argument);
  }
  WEFT_SWITCH_SITE static void turn(inline_rig& from, inline_rig& to, bool from_ends = false) noexcept {
    detail::sanitizer_before_switch(from.sanitizer, to.sanitizer, from_ends);
    detail::switch_context(from.saved, to.saved);
    detail::sanitizer_after_switch(from.sanitizer);
  }
};

// The out-of-line switch. Its entry receives the value of the first switch, here always the rig's own argument.
struct naked_rig : rig_base {
  static constexpr const char* name = "naked";
  void* saved = nullptr;
  void* argument = nullptr;

  void start(mapped_stack& stack, void (*entry)(void*) noexcept, void* for_entry) noexcept {
    bind(stack);
    argument = for_entry;
    saved = detail::make_naked_context(stack.top(), entry);
  }
  WEFT_SWITCH_SITE static void turn(naked_rig& from, naked_rig& to, bool from_ends = false) noexcept {
    detail::sanitizer_before_switch(from.sanitizer, to.sanitizer, from_ends);
    weft_switch(&from.saved, to.saved, to.argument);
    detail::sanitizer_after_switch(from.sanitizer);
  }
};

}  // namespace weft::testing
