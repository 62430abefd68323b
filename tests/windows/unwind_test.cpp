// What the system's own unwinder makes of a coroutine: every frame, and an end at the entry; and so at each instruction of
// a switch, where a debugger or a profiler may stop a thread.
#include <cstddef>  // size_t
#include <cstdint>  // uintptr_t
#include <vector>   // addresses of a chain

#include <windows.h>  // RtlVirtualUnwind, RtlLookupFunctionEntry, AddVectoredExceptionHandler

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "block.hpp"

extern "C" void weft_naked_entry() noexcept;  // local to the library: its address names the outermost frame

namespace {

using namespace weft::testing;
using weft::coroutine;

bool is_entry(std::uintptr_t pc) {
  const auto entry = reinterpret_cast<std::uintptr_t>(&weft_naked_entry);
  return pc > entry && pc < entry + 16;
}

struct chain {
  static constexpr unsigned most = 64;
  std::uintptr_t pc[most] = {};
  unsigned frames = 0;
  bool ended = false;          // at a return address of 0
  std::uintptr_t last_sp = 0;  // behind it
  std::uintptr_t last() const { return frames == 0 ? 0 : pc[frames - 1]; }
};

// As the dispatcher of exceptions walks; allocates nothing, as it runs in a handler of them, too.
chain walk(CONTEXT at) {
  chain seen;
  while (at.Rip != 0 && seen.frames != chain::most) {
    seen.pc[seen.frames++] = at.Rip;
    DWORD64 image = 0;
    RUNTIME_FUNCTION* const function = ::RtlLookupFunctionEntry(at.Rip, &image, nullptr);
    if (function == nullptr) break;  // no leaf is among ours
    void* data = nullptr;
    DWORD64 frame = 0;
    ::RtlVirtualUnwind(UNW_FLAG_NHANDLER, image, at.Rip, function, &at, &data, &frame, nullptr);
  }
  seen.ended = at.Rip == 0;
  seen.last_sp = at.Rsp;
  return seen;
}

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

// ---- one instruction after the other

// Turns the processor's single steps on and off.
void step() { asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc"); }
volatile bool stop_stepping;

struct steps {
  std::uintptr_t from = 0, to = 0;  // weft_switch, weft_switch_leave included
  unsigned inside = 0;              // steps there
  unsigned to_entry = 0;            // of them, with a chain that ends at the entry
  unsigned to_thread = 0;           // or in the thread's own
  std::uintptr_t astray = 0;        // one that did neither
  std::uintptr_t thread_end_pc = 0, thread_end_sp = 0;
} stepped;

LONG CALLBACK look(EXCEPTION_POINTERS* at) {
  if (at->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_SINGLE_STEP)) return EXCEPTION_CONTINUE_SEARCH;
  if (stop_stepping) return EXCEPTION_CONTINUE_EXECUTION;  // the flag is off in the saved flags
  const CONTEXT& now = *at->ContextRecord;
  if (now.Rip >= stepped.from && now.Rip < stepped.to) {
    ++stepped.inside;
    const chain seen = walk(now);
    if (seen.ended && is_entry(seen.last())) {
      ++stepped.to_entry;
    } else if (seen.last() == stepped.thread_end_pc && seen.last_sp == stepped.thread_end_sp) {
      ++stepped.to_thread;
    } else {
      stepped.astray = now.Rip;
    }
  }
  at->ContextRecord->EFlags |= 0x100;
  return EXCEPTION_CONTINUE_EXECUTION;
}

TEST(Unwinding, IsTrueAtEachInstructionOfASwitch) {
  stepped = {};
  stop_stepping = false;
  stepped.from = reinterpret_cast<std::uintptr_t>(&weft_switch);
  DWORD64 image = 0;
  const RUNTIME_FUNCTION* const function = ::RtlLookupFunctionEntry(stepped.from, &image, nullptr);
  ASSERT_NE(function, nullptr);
  const RUNTIME_FUNCTION* const leave = ::RtlLookupFunctionEntry(image + function->EndAddress, &image, nullptr);
  ASSERT_NE(leave, nullptr);
  stepped.to = image + leave->EndAddress;
  const chain own = walk_from_depth(0);  // the thread's, to its end
  ASSERT_GE(own.frames, 3U);
  stepped.thread_end_pc = own.last();
  stepped.thread_end_sp = own.last_sp;
  int rounds = 0;
  coroutine c{[&](coroutine& self) {
    for (; rounds < 3; ++rounds) self.yield();
  }};
  void* const handler = ::AddVectoredExceptionHandler(1, look);
  ASSERT_NE(handler, nullptr);
  step();
  while (c.resume()) {
  }
  stop_stepping = true;
  asm volatile("nop");
  ::RemoveVectoredExceptionHandler(handler);
  EXPECT_EQ(rounds, 3);
  constexpr unsigned switches = 8;
  EXPECT_GE(stepped.inside, switches * 70U) << "the switch has more than seventy instructions";
  EXPECT_EQ(stepped.inside % switches, 0U);
  EXPECT_EQ(stepped.astray, 0U) << std::hex << "at weft_switch + " << stepped.astray - stepped.from;
  EXPECT_EQ(stepped.to_entry + stepped.to_thread, stepped.inside);
  EXPECT_GT(stepped.to_entry, switches * 20U);
  EXPECT_GT(stepped.to_thread, switches * 20U);
}

}  // namespace
