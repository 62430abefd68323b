// A process with a shadow stack is told that it cannot have fibers. No processor here has one, so the answer alone is tested.
#include <gtest/gtest.h>

#include "context/shadow_stack.hpp"
#include "support/death_style.hpp"

namespace {

TEST(ShadowStack, OfThisProgramIsAbsent) {
  EXPECT_FALSE(weft::detail::has_shadow_stack()) << "marked by its linker: see context.elf_marks";
  weft::detail::refuse_shadow_stack(weft::detail::has_shadow_stack());
}

TEST(ShadowStack, IsRefusedByName) {
  weft::testing::use_safest_death_style();
  EXPECT_DEATH(weft::detail::refuse_shadow_stack(true), "weft: fatal: this thread runs with a shadow stack");
}

}  // namespace
