// For rig.hpp: the inline switch.
#pragma once
#include <cstdint>  // uintptr_t

#include "context/switch.hpp"
#include "rig.hpp"

extern "C" void weft_context_entry() noexcept;  // local to the library: its address names the outermost frame

namespace weft::testing {

struct inline_rig : rig_base {
  static constexpr const char* name = "inline";
  static std::uintptr_t outermost() noexcept { return reinterpret_cast<std::uintptr_t>(&weft_context_entry); }
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

}  // namespace weft::testing
