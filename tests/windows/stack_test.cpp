// The stack of a coroutine holds what was asked for, frames of many pages included; more than that is an overflow as the
// system knows it, with room for who handles it.
#include <cstddef>  // size_t
#include <cstdio>   // fprintf
#include <cstdlib>  // _Exit

#include <malloc.h>   // alloca
#include <windows.h>  // AddVectoredExceptionHandler, VirtualQuery

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "block.hpp"
#include "throw_there.hpp"

namespace {

using namespace weft::testing;
using weft::coroutine;

// Touches both ends of a frame that the compiler probes page by page.
template <std::size_t Bytes>
[[gnu::noinline]] int large_frame(int value) {
  volatile char frame[Bytes];
  frame[0] = static_cast<char>(value);
  frame[Bytes - 1] = 1;
  return frame[0] + frame[Bytes - 1];
}

TEST(Stack, HoldsFramesOfManyPages) {
  int sum = 0;
  coroutine c{[&](coroutine& self) {
    sum += large_frame<2 * 4096>(1);
    self.yield();
    sum += large_frame<std::size_t{60} * 1024>(2);
    self.yield();
    const std::size_t bytes = std::size_t{150} * 1024;
    auto* const block = static_cast<volatile char*>(alloca(bytes));
    for (std::size_t at = 0; at < bytes; at += 1024) block[at] = 1;
    self.yield();
    for (std::size_t at = 0; at < bytes; at += 1024) sum += block[at];
  }};
  while (c.resume()) {
  }
  EXPECT_EQ(sum, 2 + 3 + 150);
}

TEST(Stack, EveryByteOfItIsCommittedAndWhatIsBelowIsNot) {
  coroutine c{[](coroutine& self) {
    const thread_block now = block_now();
    MEMORY_BASIC_INFORMATION memory{};
    ASSERT_NE(::VirtualQuery(now.stack_limit, &memory, sizeof memory), 0U);
    EXPECT_EQ(memory.State, static_cast<DWORD>(MEM_COMMIT));
    EXPECT_EQ(memory.Protect, static_cast<DWORD>(PAGE_READWRITE));
    const char local = 0;
    EXPECT_GT(static_cast<const char*>(memory.BaseAddress) + memory.RegionSize, &local);
    ASSERT_NE(::VirtualQuery(static_cast<char*>(now.stack_limit) - now.guaranteed_stack_bytes, &memory, sizeof memory),
              0U);
    EXPECT_EQ(memory.Protect, static_cast<DWORD>(PAGE_READWRITE | PAGE_GUARD));
    EXPECT_EQ(memory.RegionSize, now.guaranteed_stack_bytes);
    ASSERT_NE(::VirtualQuery(now.deallocation_stack, &memory, sizeof memory), 0U);
    EXPECT_EQ(memory.State, static_cast<DWORD>(MEM_RESERVE));
    self.yield();
  }};
  c.resume();
}

volatile int without_end = 1'000'000'000;  // may throw there, as far as the compiler knows
[[gnu::noinline]] int recurse(int depth) {
  if (depth == without_end) throw_fault();
  if (depth == without_end) return 0;
  volatile char frame[100] = {};
  frame[depth % 100] = 1;
  const int below = recurse(depth + 1);
  return below + frame[depth % 100];
}

LONG CALLBACK tell_and_leave(EXCEPTION_POINTERS* at) {
  const DWORD code = at->ExceptionRecord->ExceptionCode;
  if (code != static_cast<DWORD>(EXCEPTION_STACK_OVERFLOW)) return EXCEPTION_CONTINUE_SEARCH;
  const auto touched = at->ExceptionRecord->ExceptionInformation[1];
  const thread_block now = block_now();
  const bool below = touched > reinterpret_cast<ULONG_PTR>(now.deallocation_stack) &&
                     touched < reinterpret_cast<ULONG_PTR>(now.stack_base);
  std::fprintf(stderr, "overflow %s\n", below ? "of this stack" : "of another");
  std::fflush(stderr);
  std::_Exit(42);
}

using StackDeathTest = ::testing::Test;

void overflow(void (*body)(coroutine&), std::size_t stack_bytes) {
  ::AddVectoredExceptionHandler(1, tell_and_leave);
  coroutine c{body, stack_bytes};
  c.resume();
}

TEST(StackDeathTest, RecursionWithoutEndIsAnOverflowThatAHandlerSees) {
  const auto body = [](coroutine&) { std::fprintf(stderr, "%d", recurse(0)); };
  EXPECT_EXIT(overflow(body, std::size_t{256} * 1024), ::testing::ExitedWithCode(42), "overflow of this stack");
}

TEST(StackDeathTest, SoIsAFrameThatIsLargerThanTheStack) {
  const auto body = [](coroutine&) { std::fprintf(stderr, "%d", large_frame<std::size_t{60} * 1024>(1)); };
  EXPECT_EXIT(overflow(body, std::size_t{16} * 1024), ::testing::ExitedWithCode(42), "overflow of this stack");
}

// ---- an overflow that is survived

int overflows = 0;

LONG CALLBACK throw_instead(EXCEPTION_POINTERS* at) {
  if (at->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_STACK_OVERFLOW)) {
    return EXCEPTION_CONTINUE_SEARCH;
  }
  ++overflows;
  throw_there(*at->ContextRecord);
  return EXCEPTION_CONTINUE_EXECUTION;
}

// The stack goes back and is taken again: its guard must be there again, too.
TEST(Stack, AnOverflowThatBecomesAnExceptionIsSeenAgainOnTheSameStack) {
  void* const handler = ::AddVectoredExceptionHandler(1, throw_instead);
  overflows = 0;
  void* first = nullptr;
  for (int i = 1; i <= 3; ++i) {
    void* mine = nullptr;
    bool caught = false;
    coroutine c{[&](coroutine& self) {
      mine = block_now().deallocation_stack;
      self.yield();
      try {
        EXPECT_EQ(recurse(0), 0) << "not reached";
      } catch (const fault&) {
        caught = true;
      }
      self.yield();
    }};
    c.resume();
    c.resume();
    EXPECT_TRUE(caught);
    EXPECT_EQ(overflows, i);
    if (first == nullptr) first = mine;
    EXPECT_EQ(mine, first) << "another stack says nothing of the guard";
  }
  ::RemoveVectoredExceptionHandler(handler);
}

}  // namespace
