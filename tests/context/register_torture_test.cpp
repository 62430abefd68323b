// Whatever must survive a switch does, over 100,000 switches in random order among 37 contexts.
#include <gtest/gtest.h>

#include "torture.hpp"

namespace {

using namespace weft::testing;

constexpr unsigned contexts = 37;
constexpr std::uint64_t switches = 100'000;

template <class Rig>
void survive(std::uint64_t values_per_switch) {
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

TEST(RegisterTorture, NakedSwitchKeepsEveryCalleeSavedRegister) { survive<naked_rig>(callee_saved_values); }
TEST(RegisterTorture, InlineSwitchKeepsWhatTheCompilerHadLive) { survive<inline_rig>(20); }

}  // namespace
