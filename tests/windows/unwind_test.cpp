// What the system's own unwinder makes of a coroutine: every frame, and an end at the entry.
#include <cstdint>  // uintptr_t

#include <windows.h>  // RtlCaptureContext, RtlCaptureStackBackTrace

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "block.hpp"
#include "chain.hpp"

namespace {

using namespace weft::testing;
using weft::coroutine;

[[gnu::noinline]] chain walk_from_depth(int depth) {
  if (depth > 0) {
    const chain seen = walk_from_depth(depth - 1);
    asm volatile("");  // no tail call
    return seen;
  }
  CONTEXT here{};
  ::RtlCaptureContext(&here);
  return walk(here);
}

TEST(Unwinding, MissesNoFrameAndEndsAtTheEntry) {
  chain seen;
  void* base = nullptr;
  coroutine c{[&](coroutine& self) {
    self.yield();
    seen = walk_from_depth(10);
    base = block_now().stack_base;
  }};
  c.resume();
  c.resume();
  EXPECT_TRUE(seen.ended);
  EXPECT_TRUE(is_entry(seen.last())) << std::hex << seen.last();
  EXPECT_EQ(seen.last_sp, reinterpret_cast<std::uintptr_t>(base)) << "where those stop who look at the bounds";
  EXPECT_GE(seen.frames, 10U + 3U);  // of the library are coroutine_main, run_body and the entry
}

TEST(Unwinding, ABackTraceEndsAtTheEntry) {
  void* frames[62] = {};
  unsigned count = 0;
  coroutine c{[&](coroutine& /*self*/) { count = ::RtlCaptureStackBackTrace(0, 62, frames, nullptr); }};
  c.resume();
  ASSERT_GE(count, 3U);
  unsigned last = count - 1;
  if (frames[last] == nullptr) --last;  // some count the end as a frame
  EXPECT_TRUE(is_entry(reinterpret_cast<std::uintptr_t>(frames[last])));
}

}  // namespace
