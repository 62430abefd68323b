// What the thread's information block says of the stack is true in every coroutine, and again in whoever resumed it.
#include <stdexcept>  // runtime_error

#include <windows.h>  // NT_TIB, GetCurrentThreadStackLimits, fibers

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "block.hpp"

namespace {

using namespace weft::testing;
using weft::coroutine;

// A local lies within what the block says, and the block within what was reserved.
void expect_about_this_stack() {
  char local = 0;
  auto* const at = reinterpret_cast<void*>(&local);
  const thread_block now = block_now();
  EXPECT_LT(at, now.stack_base);
  EXPECT_GE(at, now.stack_limit);
  EXPECT_LT(now.deallocation_stack, now.stack_limit);
  ULONG_PTR low = 0, high = 0;
  ::GetCurrentThreadStackLimits(&low, &high);
  EXPECT_GE(reinterpret_cast<ULONG_PTR>(at), low);
  EXPECT_LT(reinterpret_cast<ULONG_PTR>(at), high);
  MEMORY_BASIC_INFORMATION memory{};
  ASSERT_NE(::VirtualQuery(at, &memory, sizeof memory), 0U);
  EXPECT_EQ(memory.AllocationBase, now.deallocation_stack) << "what the system frees, or looks for guards in";
}

TEST(ThreadBlock, NamesTheStackThatRuns) {
  const thread_block before = block_now();
  coroutine outer{[&](coroutine& self) {
    expect_about_this_stack();
    const thread_block mine = block_now();
    EXPECT_NE(mine.stack_base, before.stack_base);
    EXPECT_NE(mine.guaranteed_stack_bytes, 0U);
    coroutine inner{[&](coroutine& me) {
      expect_about_this_stack();
      EXPECT_NE(block_now().stack_base, mine.stack_base);
      me.yield();
      expect_about_this_stack();
    }};
    inner.resume();
    EXPECT_EQ(block_now(), mine);
    self.yield();
    EXPECT_EQ(block_now(), mine);
    inner.resume();
    EXPECT_EQ(block_now(), mine);
  }};
  while (outer.resume()) {
    EXPECT_EQ(block_now(), before);
  }
  EXPECT_EQ(block_now(), before);
}

TEST(ThreadBlock, IsTheResumersAfterAnExceptionAndAfterADestruction) {
  const thread_block before = block_now();
  coroutine fails{[](coroutine&) { throw std::runtime_error("inside"); }};
  EXPECT_THROW(fails.resume(), std::runtime_error);
  EXPECT_EQ(block_now(), before);
  bool unwound = false;
  {
    struct looks {
      bool& seen;
      ~looks() {
        seen = true;
        expect_about_this_stack();
      }
    };
    coroutine left{[&](coroutine& self) {
      const looks at_the_end{unwound};
      self.yield();
    }};
    left.resume();
  }
  EXPECT_TRUE(unwound);
  EXPECT_EQ(block_now(), before);
}

// A coroutine is a part of whichever Windows fiber resumes it: FiberData stays that one's. (To leave a Windows fiber inside
// a coroutine is forbidden: SwitchToFiber() keeps a stack's limit and not its base.)
TEST(ThreadBlock, WindowsFibersMayTakeTurnsAtACoroutine) {
  struct shared {
    void* first = nullptr;
    void* second = nullptr;
    coroutine turns;
    void* seen = nullptr;
    bool second_unchanged = false;
  } both;
  both.first = ::ConvertThreadToFiber(nullptr);
  ASSERT_NE(both.first, nullptr);
  const auto run_second = [](void* argument) {
    auto& our = *static_cast<shared*>(argument);
    const thread_block mine = block_now();
    our.turns.resume();
    our.second_unchanged = block_now() == mine;
    ::SwitchToFiber(our.first);
  };
  both.second = ::CreateFiber(0, run_second, &both);
  ASSERT_NE(both.second, nullptr);
  both.turns = coroutine{[&](coroutine& self) {
    for (;;) {
      both.seen = block_now().fiber_data;
      expect_about_this_stack();
      EXPECT_THROW(throw std::runtime_error("inside"), std::runtime_error);
      self.yield();
    }
  }};
  const thread_block before = block_now();
  both.turns.resume();
  EXPECT_EQ(both.seen, both.first);
  EXPECT_EQ(block_now(), before);
  ::SwitchToFiber(both.second);
  EXPECT_EQ(both.seen, both.second);
  EXPECT_TRUE(both.second_unchanged);
  both.turns.resume();
  EXPECT_EQ(both.seen, both.first);
  EXPECT_EQ(block_now(), before);
  ::DeleteFiber(both.second);
  EXPECT_NE(::ConvertFiberToThread(), 0);
}

}  // namespace
