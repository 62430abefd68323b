// Single-stepped by step_test.py: two contexts with functions of known names switch back and forth, naked and inline, until
// the guests end.
#include "context/naked_switch.hpp"
#include "context/switch.hpp"

namespace {
using namespace weft::detail;
constexpr int rounds = 3;
alignas(64) char stacks[2][64 * 1024];
void* naked_host;
void* naked_guest;
context inline_host, inline_guest, inline_nowhere;
}  // namespace

// C names, so that the script can compare them; `after` keeps calls from becoming jumps.
#define STEP_FUNCTION extern "C" [[gnu::noinline, gnu::used]]
#define STEP_AFTER_CALL asm volatile("" ::: "memory")

STEP_FUNCTION void step_end() { STEP_AFTER_CALL; }

STEP_FUNCTION void naked_guest_turn() noexcept {
  weft_switch(&naked_guest, naked_host, nullptr);
  STEP_AFTER_CALL;
}
STEP_FUNCTION void naked_guest_outer() noexcept {
  naked_guest_turn();
  STEP_AFTER_CALL;
}
STEP_FUNCTION void naked_guest_last() noexcept {
  void* nowhere;  // nobody comes back
  weft_switch(&nowhere, naked_host, nullptr);
  __builtin_unreachable();
}
STEP_FUNCTION void naked_guest_entry(void* /*argument*/) noexcept {
  for (int i = 1; i < rounds; ++i) {
    naked_guest_outer();
  }
  naked_guest_last();
}
STEP_FUNCTION void naked_host_turn() noexcept {
  weft_switch(&naked_host, naked_guest, nullptr);
  STEP_AFTER_CALL;
}
STEP_FUNCTION void naked_host_outer() noexcept {
  naked_host_turn();
  STEP_AFTER_CALL;
}

STEP_FUNCTION void inline_guest_turn() noexcept { switch_context(inline_guest, inline_host); }
STEP_FUNCTION void inline_guest_outer() noexcept {
  inline_guest_turn();
  STEP_AFTER_CALL;
}
STEP_FUNCTION void inline_guest_last() noexcept {
  switch_context(inline_nowhere, inline_host);  // nobody comes back
  __builtin_unreachable();
}
STEP_FUNCTION void inline_guest_entry(void* /*argument*/) noexcept {
  for (int i = 1; i < rounds; ++i) {
    inline_guest_outer();
  }
  inline_guest_last();
}
STEP_FUNCTION void inline_host_turn() noexcept { switch_context(inline_host, inline_guest); }
STEP_FUNCTION void inline_host_outer() noexcept {
  inline_host_turn();
  STEP_AFTER_CALL;
}

STEP_FUNCTION void step_begin() { STEP_AFTER_CALL; }

int main() {
  naked_guest = make_naked_context(stacks[0] + sizeof stacks[0], naked_guest_entry);
  make_context(inline_guest, stacks[1] + sizeof stacks[1], inline_guest_entry, nullptr);
  inline_guest.x87_cw = 0x027f;  // differs from the host's: the rare branch is stepped too
  step_begin();
  for (int i = 0; i < rounds; ++i) {
    naked_host_outer();
    inline_host_outer();
  }
  step_end();
  return 0;
}
