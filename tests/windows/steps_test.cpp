// What the unwinder makes of each instruction of a switch, where a debugger or a profiler may stop a thread: the whole chain
// of the one context or the other, and every register that its caller wants back. The processor stops after each
// instruction, and a handler looks.
#include <cstdint>  // uintptr_t, uint64_t
#include <cstring>  // memcpy

#include <windows.h>  // AddVectoredExceptionHandler

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "chain.hpp"
#include "context/torture.hpp"  // weft_torture_call, naked_rig

namespace {

using namespace weft::testing;
using weft::coroutine;

constexpr DWORD trap_flag = 0x100;

struct {
  void (*look)(const CONTEXT& now) = nullptr;  // at each instruction of weft_switch, weft_switch_leave included
  std::uintptr_t from = 0, to = 0;
  unsigned inside = 0;
  volatile bool stop = false;
} steps;

LONG CALLBACK next_step(EXCEPTION_POINTERS* at) {
  if (at->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_SINGLE_STEP)) return EXCEPTION_CONTINUE_SEARCH;
  if (steps.stop) return EXCEPTION_CONTINUE_EXECUTION;  // the flag is off where the thread goes on
  const CONTEXT& now = *at->ContextRecord;
  if (now.Rip >= steps.from && now.Rip < steps.to) {
    ++steps.inside;
    steps.look(now);
  }
  at->ContextRecord->EFlags |= trap_flag;
  return EXCEPTION_CONTINUE_EXECUTION;
}

// The two functions that a switch is to the unwinder lie one behind the other.
void find_switch() {
  DWORD64 image = 0;
  steps.from = reinterpret_cast<std::uintptr_t>(&weft_switch);
  const RUNTIME_FUNCTION* const first = ::RtlLookupFunctionEntry(steps.from, &image, nullptr);
  ASSERT_NE(first, nullptr);
  const RUNTIME_FUNCTION* const second = ::RtlLookupFunctionEntry(image + first->EndAddress, &image, nullptr);
  ASSERT_NE(second, nullptr);
  steps.to = image + second->EndAddress;
}

template <class Body>
void step_through(void (*look)(const CONTEXT&), Body&& body) {
  find_switch();
  steps.look = look;
  steps.inside = 0;
  steps.stop = false;
  void* const handler = ::AddVectoredExceptionHandler(1, next_step);
  ASSERT_NE(handler, nullptr);
  asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
  body();
  steps.stop = true;
  asm volatile("nop");
  ::RemoveVectoredExceptionHandler(handler);
}

constexpr unsigned instructions = 70;  // of a switch, at least

// ---- chains

struct {
  chain own;               // the thread's
  unsigned to_entry = 0;   // steps with a chain that ends at the entry
  unsigned to_thread = 0;  // or as the thread's own does
  std::uintptr_t astray = 0;
} ends;

void look_at_chain(const CONTEXT& now) {
  const chain seen = walk(now);
  if (seen.ended && is_entry(seen.last())) {
    ++ends.to_entry;
  } else if (seen.last() == ends.own.last() && seen.last_sp == ends.own.last_sp) {
    ++ends.to_thread;
  } else {
    ends.astray = now.Rip;
  }
}

TEST(Unwinding, IsTrueAtEachInstructionOfASwitch) {
  ends = {};
  CONTEXT here{};
  ::RtlCaptureContext(&here);
  ends.own = walk(here);
  ASSERT_GE(ends.own.frames, 3U);
  int rounds = 0;
  coroutine c{[&](coroutine& self) {
    for (; rounds < 3; ++rounds) self.yield();
  }};
  step_through(look_at_chain, [&] {
    while (c.resume()) {
    }
  });
  EXPECT_EQ(rounds, 3);
  constexpr unsigned switches = 8;
  EXPECT_GE(steps.inside, switches * instructions);
  EXPECT_EQ(steps.inside % switches, 0U);
  EXPECT_EQ(ends.astray, 0U) << std::hex << "at weft_switch + " << ends.astray - steps.from;
  EXPECT_EQ(ends.to_entry + ends.to_thread, steps.inside);
  EXPECT_GT(ends.to_entry, switches * 20U);
  EXPECT_GT(ends.to_thread, switches * 20U);
}

// ---- registers

// In the order of weft_torture_call.
struct saved_values {
  std::uint64_t value[callee_saved_values] = {};
  bool operator==(const saved_values&) const = default;
};

saved_values values_of(const CONTEXT& at) {
  saved_values v{{at.Rbx, at.Rbp, at.Rdi, at.Rsi, at.R12, at.R13, at.R14, at.R15}};
  std::memcpy(&v.value[8], &at.Xmm6, 10 * sizeof(M128A));  // xmm6 to xmm15 lie in a row
  return v;
}

// A caller of the switch: always the same one, in the same frame.
struct caller_of_switch {
  saved_values values;
  std::uintptr_t pc = 0, sp = 0;  // from the first time on
  unsigned steps = 0;             // in which it is the caller
  bool is(const CONTEXT& found) {
    if (!(values_of(found) == values)) return false;
    if (steps++ == 0) {
      pc = found.Rip;
      sp = found.Rsp;
    }
    return found.Rip == pc && found.Rsp == sp;
  }
};

struct {
  caller_of_switch host, guest;
  std::uintptr_t wrong = 0;
} registers;

void look_at_registers(const CONTEXT& now) {
  CONTEXT caller = now;
  if (!unwind_one(caller) || !(registers.host.is(caller) || registers.guest.is(caller))) {
    registers.wrong = now.Rip;
  }
}

struct two {
  naked_rig host, guest;
  mapped_stack stack;
  saved_values hosts, guests;

  static void guest_entry(void* argument) noexcept {
    auto& self = *static_cast<two*>(argument);
    for (;;) weft_torture_call(&self.guest.saved, self.host.saved, nullptr, self.guests.value);
  }
};

TEST(Unwinding, GivesEveryRegisterBackAtEachInstructionOfASwitch) {
  registers = {};
  two t;
  for (unsigned i = 0; i < callee_saved_values; ++i) {
    registers.host.values.value[i] = t.hosts.value[i] = mix(i);
    registers.guest.values.value[i] = t.guests.value[i] = mix(1000 + i);
  }
  t.guest.start(t.stack, two::guest_entry, &t);
  naked_rig::turn(t.host, t.guest);  // it waits with its values in place
  constexpr unsigned turns = 3, switches = 2 * turns;
  step_through(look_at_registers, [&] {
    for (unsigned i = 0; i < turns; ++i) {
      weft_torture_call(&t.host.saved, t.guest.saved, nullptr, t.hosts.value);
    }
  });
  EXPECT_TRUE(t.hosts == registers.host.values);
  EXPECT_TRUE(t.guests == registers.guest.values);
  EXPECT_GE(steps.inside, switches * instructions);
  EXPECT_EQ(registers.wrong, 0U) << std::hex << "at weft_switch + " << registers.wrong - steps.from;
  EXPECT_EQ(registers.host.steps + registers.guest.steps, steps.inside);
  EXPECT_EQ(registers.host.steps, registers.guest.steps) << "as many switches there as back";
}

}  // namespace
