// Two contexts take turns with the sanitizer hooks around each switch: no report may come, neither from the switches,
// nor from recycled stacks, nor from exceptions and address-taken locals that live across them.
#include <cstdint>    // uintptr_t
#include <stdexcept>  // runtime_error
#include <thread>     // jthread
#include <vector>     // stacks

#include <gtest/gtest.h>

#include "context/sanitizer.hpp"
#include "context/switch.hpp"
#include "support/mapped_stack.hpp"

namespace {

using namespace weft::detail;
using weft::testing::mapped_stack;

struct peer {
  context ctx;
  sanitizer_state sanitizer;
};

struct pair {
  peer host, guest;
  int rounds = 0;
  int caught = 0;
  std::uintptr_t checksum = 0;
};

WEFT_SWITCH_SITE void turn_to(peer& from, peer& to, bool from_ends) noexcept {
  sanitizer_before_switch(from.sanitizer, to.sanitizer, from_ends);
  switch_context(from.ctx, to.ctx);
  sanitizer_after_switch(from.sanitizer);
}

// Address-taken locals (red zones, fake stack) at several depths, and a throw in each round.
[[gnu::noinline]] void deep(pair& p, int depth) {
  volatile char local[96] = {};
  local[depth] = static_cast<char>(depth);
  if (depth > 0) {
    deep(p, depth - 1);
  } else {
    turn_to(p.guest, p.host, false);
  }
  p.checksum += static_cast<std::uintptr_t>(local[depth]);
  if (depth == 3) {
    throw std::runtime_error("as planned");
  }
}

[[gnu::noinline]] void run_guest(pair& p) {
  for (int i = 0; i < p.rounds; ++i) {
    try {
      deep(p, 5);
    } catch (const std::runtime_error&) {
      ++p.caught;
    }
  }
}

WEFT_SWITCH_SITE void guest_entry(void* argument) noexcept {
  auto& p = *static_cast<pair*>(argument);
  sanitizer_after_switch(p.guest.sanitizer);
  run_guest(p);
  turn_to(p.guest, p.host, true);
}

sanitizer_state this_thread() {
  sanitizer_state host;
  sanitizer_adopt_thread_stack(host);
  return host;
}

int run_pair(mapped_stack& stack, int rounds, sanitizer_state host = this_thread()) {
  pair p;
  p.rounds = rounds;
  p.host.sanitizer = host;
  sanitizer_bind_stack(p.guest.sanitizer, stack.bottom(), stack.bytes(), stack.tsan_handle);
  make_context(p.guest.ctx, stack.top(), guest_entry, &p);
  for (int i = 0; i <= rounds; ++i) {
    volatile char host_local[64] = {};
    host_local[i % 64] = 1;
    turn_to(p.host, p.guest, false);
    EXPECT_EQ(host_local[i % 64], 1);
  }
  EXPECT_EQ(p.checksum, static_cast<std::uintptr_t>(rounds) * (0 + 1 + 2 + 3));
  return p.caught;
}

TEST(SanitizerHooks, SwitchesAndExceptionsStayQuiet) {
  mapped_stack stack;
  EXPECT_EQ(run_pair(stack, 100), 100);
}

TEST(SanitizerHooks, ARecycledStackStartsClean) {
  mapped_stack stack;
  int caught = 0;
  for (int i = 0; i < 50; ++i) {
    caught += run_pair(stack, 3);
  }
  EXPECT_EQ(caught, 150);
}

// More contexts on one stack than ThreadSanitizer has room for pending calls (64 Ki), if each left one behind.
TEST(SanitizerHooks, NothingAccumulatesInAStackThatServesManyContexts) {
  mapped_stack stack{std::size_t{16} * 1024};
  const sanitizer_state host = this_thread();
  for (int i = 0; i < 70'000; ++i) {
    ASSERT_EQ(run_pair(stack, 0, host), 0);
  }
}

TEST(SanitizerHooks, AStackMayServeContextsOfDifferentThreads) {
  mapped_stack stack;
  int caught = 0;
  for (int i = 0; i < 5; ++i) {
    std::jthread{[&] { caught += run_pair(stack, 10); }}.join();
  }
  EXPECT_EQ(caught, 50);
}

}  // namespace
