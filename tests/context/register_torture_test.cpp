// Whatever must survive a switch does, over 100,000 switches in random order among 37 contexts.
#include <gtest/gtest.h>

#include "survive.hpp"

namespace {

using namespace weft::testing;

TEST(RegisterTorture, NakedSwitchKeepsEveryCalleeSavedRegister) { survive<naked_rig>(callee_saved_values); }

}  // namespace
