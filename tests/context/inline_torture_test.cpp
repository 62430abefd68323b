// What must survive the inline switch does.
#include <gtest/gtest.h>

#include "survive.hpp"

namespace {

using namespace weft::testing;

TEST(RegisterTorture, InlineSwitchKeepsWhatTheCompilerHadLive) { survive<inline_rig>(20); }

}  // namespace
