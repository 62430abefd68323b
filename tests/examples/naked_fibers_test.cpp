// The naked example, taken apart: what its output alone would not show.
#define main naked_fibers_main
#include "naked_fibers/naked_fibers.cpp"
#undef main

#include <gtest/gtest.h>

namespace {

std::uint64_t seen_rsp = 0;
int runs = 0;
std::uint64_t damaged = 0;

// A function, as a lambda may be called by another one that has been made its pointer.
void see_rsp() { seen_rsp = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)); }

TEST(NakedFibers, StackIsAlignedAtTheEntryOfAThreadAndOfItsGuard) {
  Runtime runtime;
  runtime.spawn(&see_rsp);
  runtime.run();
  // The frame address is where the old rbp was pushed: entry rsp - 8.
  EXPECT_EQ(seen_rsp % 16, 0U);
  const auto& stack = runtime.threads[1].stack;
  const auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size()) & ~std::uintptr_t{15};
  EXPECT_EQ(seen_rsp, end - 0x20);  // entered with rsp = top - 18, as the picture says
}

TEST(NakedFibers, AnEndedThreadsSlotIsUsedAgain) {
  Runtime runtime;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = 1; i < MAX_THREADS; ++i) {
      runtime.spawn([] { yield_thread(), ++runs; });
    }
    runtime.run();
    for (std::size_t i = 1; i < MAX_THREADS; ++i) {
      ASSERT_EQ(runtime.threads[i].state, State::Available);
    }
    ASSERT_EQ(runtime.threads[0].state, State::Running);
  }
  EXPECT_EQ(runs, 300);
}

// Fills the six callee-saved registers other than rsp with values made of `seed`, yields, and adds up the differences.
// In naked assembly, so that no compiler puts them back by itself.
extern "C" NAKED std::uint64_t registers_after_yield(std::uint64_t /*seed*/, void (* /*yield*/)()) {
  asm(R"(
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi               # seven words and the return address: rsp = 16n
    lea 1(%rdi), %rbx
    lea 2(%rdi), %rbp
    lea 3(%rdi), %r12
    lea 4(%rdi), %r13
    lea 5(%rdi), %r14
    lea 6(%rdi), %r15
    call *%rsi
    pop %rdi
    xor %eax, %eax
    sub $1, %rbx
    sub $2, %rbp
    sub $3, %r12
    sub $4, %r13
    sub $5, %r14
    sub $6, %r15
    xor %rdi, %rbx
    or %rbx, %rax
    xor %rdi, %rbp
    or %rbp, %rax
    xor %rdi, %r12
    or %r12, %rax
    xor %rdi, %r13
    or %r13, %rax
    xor %rdi, %r14
    or %r14, %rax
    xor %rdi, %r15
    or %r15, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
  )");
}

template <std::uint64_t Seed>
void keep_registers() {
  for (std::uint64_t round = 0; round < 1000; ++round) {
    damaged |= registers_after_yield(Seed * 1'000'000 + round * 16, &yield_thread);
    ++runs;
  }
}

TEST(NakedFibers, EveryCalleeSavedRegisterComesBackAfterAYield) {
  runs = 0;
  Runtime runtime;
  runtime.spawn(&keep_registers<1>);
  runtime.spawn(&keep_registers<2>);
  runtime.spawn(&keep_registers<3>);
  runtime.run();
  EXPECT_EQ(runs, 3000);
  EXPECT_EQ(damaged, 0U);
}

TEST(NakedFibersDeathTest, OneThreadTooManyIsRefusedLoudly) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        for (std::size_t i = 0; i < MAX_THREADS; ++i) {
          runtime.spawn([] {});
        }
      },
      "no available thread");
}

}  // namespace
