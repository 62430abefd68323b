// How death tests make their child: by running the program anew, which threads do not disturb. Not under qemu-user, which
// cannot run a program of its kind anew unless the machine's kernel was told how: there a fork has to do.
#pragma once
#include <gtest/gtest.h>

#include "support/instrumented.hpp"  // emulated

namespace weft::testing {

inline void use_safest_death_style() { GTEST_FLAG_SET(death_test_style, emulated ? "fast" : "threadsafe"); }

}  // namespace weft::testing
