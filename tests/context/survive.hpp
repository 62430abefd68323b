// The torture as a test.
#pragma once
#include <cstdint>  // uint64_t
#include <cstdio>   // printf

#include <gtest/gtest.h>

#include "torture.hpp"

namespace weft::testing {

template <class Rig>
void survive(std::uint64_t values_per_switch) {
  constexpr unsigned contexts = 37;
  constexpr std::uint64_t switches = 100'000;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    const torture_result r = torture<Rig>{}.run(contexts, switches, seed);
    std::printf("%s: seed %u, %u contexts, %u switches checked\n", Rig::name, static_cast<unsigned>(seed), r.contexts,
                static_cast<unsigned>(r.switches));
    EXPECT_EQ(r.wrong, 0U);
    EXPECT_EQ(r.checks, r.switches * values_per_switch);
    EXPECT_GT(r.switches, switches - contexts);  // each context's last switch away has no return
  }
}

}  // namespace weft::testing
