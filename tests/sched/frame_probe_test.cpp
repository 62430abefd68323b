// Frames larger than a guard: compiled with -fstack-clash-protection, which touches each page of a frame on the way down,
// they fault in the guard of the fiber they belong to and never reach its neighbour's stack.
#include <cstddef>  // size_t
#include <vector>   // neighbours

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "support/death_style.hpp"
#include "support/instrumented.hpp"
#include "support/keep_frame.hpp"

namespace {

constexpr std::size_t kib = 1024;

// Writes only to the lowest address of each frame.
template <std::size_t Bytes>
[[gnu::noinline]] int descend(int depth) {
  volatile char frame[Bytes];
  weft::testing::keep_frame(frame);
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : descend<Bytes>(depth + 1) + frame[0];
}

// The deep one has neighbours on both sides, whose stacks are accessible.
template <std::size_t Bytes>
void overflow_among_neighbours() {
  weft::run({.workers = 1}, [] {
    constexpr int on_each_side = 20;
    weft::event never;
    std::vector<weft::fiber<>> neighbours;
    const auto surround = [&] {
      for (int i = 0; i < on_each_side; ++i) {
        neighbours.push_back(weft::spawn({.name = "neighbour"}, [&] { never.wait(); }));
      }
      weft::this_fiber::yield();
    };
    surround();
    auto deep = weft::spawn({.name = "deep one"}, [&] {
      weft::this_fiber::yield();  // until the others have their stacks
      descend<Bytes>(0);
    });
    weft::this_fiber::yield();
    surround();
    deep.join();
  });
}

// GCC 12 takes the option on RISC-V and generates nothing for it, so frames larger than the guard step over it:
// weft::stack_probes cannot help there, which docs/platforms.md says.
#if defined(__riscv)
constexpr bool compiler_probes = false;
#else
constexpr bool compiler_probes = true;
#endif

class FrameProbe : public testing::Test {
 protected:
  void SetUp() override {
    if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers check frames in their own way";
    if (!compiler_probes) GTEST_SKIP() << "GCC has no -fstack-clash-protection on this processor";
    weft::testing::use_safest_death_style();
  }
};

constexpr char report[] = "stack overflow in fiber 'deep one'";

TEST_F(FrameProbe, FramesAsLargeAsTheGuardAreReported) { EXPECT_DEATH(overflow_among_neighbours<64 * kib>(), report); }
TEST_F(FrameProbe, FramesTwiceAsLargeAsTheGuardAreReported) {
  EXPECT_DEATH(overflow_among_neighbours<128 * kib>(), report);
}
TEST_F(FrameProbe, FramesAsLargeAsTheStackAreReported) { EXPECT_DEATH(overflow_among_neighbours<256 * kib>(), report); }
TEST_F(FrameProbe, FramesOfAMegabyteAreReported) { EXPECT_DEATH(overflow_among_neighbours<1024 * kib>(), report); }

}  // namespace
