// The rigs as types for typed tests.
#pragma once
#include <string>  // names

#include <gtest/gtest.h>

#include "rig.hpp"

namespace weft::testing {

#if defined(_WIN32)
using rigs = ::testing::Types<naked_rig>;
#else
using rigs = ::testing::Types<inline_rig, naked_rig>;
#endif

struct rig_names {
  template <class Rig>
  static std::string GetName(int /*index*/) {
    return Rig::name;
  }
};

}  // namespace weft::testing
