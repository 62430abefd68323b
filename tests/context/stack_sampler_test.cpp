// A profiler interrupts contexts at any instruction: while they switch to each other, begin and end.
#include <array>  // stacks

#include <gtest/gtest.h>

#include "rig.hpp"
#include "stack_sampler.hpp"
#include "support/instrumented.hpp"
#include "support/scale.hpp"

namespace {

using namespace weft::testing;

// Debian's C library is built with GCC's default, which on RISC-V describes no place between calls: a walk from inside of it
// ends anywhere, by no fault of the contexts below. On ppc64le the linker's stubs, by which calls into libraries go, have no
// tables, and 50 of 2000 walks ended there; under qemu-user 7.2 all end after the handler, because it returns by `li 0,172`
// and `sc` where the kernel and GCC's library have an `addi 1,1,128` before. There is no telling such samples apart, as they
// go astray before the end. On 32-bit ARM that holds for all code: the tables are those of exceptions (EHABI), which know
// calls only.
#if defined(__riscv) || defined(__powerpc64__) || defined(__arm__)
constexpr bool library_has_tables = false;
#else
constexpr bool library_has_tables = true;
#endif

constexpr std::size_t stack_bytes = std::size_t{128} * 1024;
mapped_stack* host_stack = nullptr;
mapped_stack* guest_stack = nullptr;

bool on_either_stack(const void* address) {
  // The top itself belongs to it: there a context that has no frame yet points to.
  const auto inside = [address](const mapped_stack& s) { return address >= s.bottom() && address <= s.top(); };
  return inside(*host_stack) || inside(*guest_stack);
}

// The thread enters `host`, which plays with one guest after the other on the same stack; each turns a few times and ends.
// Host and guests are contexts: whatever is interrupted, both walks must end where a context begins.
template <class Rig>
struct sampled_load {
  static constexpr int turns_each = 5;
  Rig thread, host, guest;
  mapped_stack host_memory{stack_bytes}, guest_memory{stack_bytes};
  std::uintptr_t main_begins = stack_sampler::begin_of_this_thread();
  std::size_t wanted = stress_count(800);
  stack_samples* found = nullptr;
  void (*report)(const stack_samples&) = nullptr;
  std::size_t guests_ended = 0;

  [[gnu::noinline]] void turn_at_depth(int depth) {
    if (depth == 0) {
      Rig::turn(guest, host);
    } else {
      turn_at_depth(depth - 1);
    }
    asm volatile("" : : : "memory");  // keeps the call from becoming a jump
  }
  WEFT_SWITCH_SITE static void guest_entry(void* argument) noexcept {
    auto& self = *static_cast<sampled_load*>(argument);
    for (int i = 0; i < turns_each; ++i) self.turn_at_depth(i);
    ++self.guests_ended;
    Rig::turn(self.guest, self.host, true);
    __builtin_unreachable();
  }
  [[gnu::noinline]] void play_one() {
    guest.start(guest_memory, guest_entry, this);
    for (int i = 0; i <= turns_each; ++i) Rig::turn(host, guest);
  }
  [[gnu::noinline]] void play() {
    stack_sampler sampler(on_either_stack, main_begins);
    while (sampler.found.taken.load() < wanted) play_one();
    report(sampler.found);
  }
  WEFT_SWITCH_SITE static void host_entry(void* argument) noexcept {
    auto& self = *static_cast<sampled_load*>(argument);
    self.play();
    Rig::turn(self.host, self.thread, true);
    __builtin_unreachable();
  }
  void run() {
    host_stack = &host_memory;
    guest_stack = &guest_memory;
    thread.adopt_thread();
    host.start(host_memory, host_entry, this);
    Rig::turn(thread, host);
  }
};

template <class Rig>
class StackSampler : public ::testing::Test {};
struct rig_names {
  template <class Rig>
  static std::string GetName(int /*index*/) {
    return Rig::name;
  }
};
using rigs = ::testing::Types<inline_rig, naked_rig>;
TYPED_TEST_SUITE(StackSampler, rigs, rig_names);

TYPED_TEST(StackSampler, WalksEndWhereAContextBeginsWhateverIsInterrupted) {
  if (instrumented) GTEST_SKIP() << "sanitizers put signals off, and their own code keeps no frame pointers";
  if (!library_has_tables) GTEST_SKIP() << "the C library, the way to it, or all code, lacks full unwind tables";
  sampled_load<TypeParam> load;
  load.report = [](const stack_samples& found) {
    EXPECT_EQ(found.ended_elsewhere.load(), 0U) << "interrupted at " << std::hex << found.wrong_at.load();
    if (emulated) return;  // frame pointers are followed by process_vm_readv(), which qemu-user does not have
    EXPECT_EQ(found.fp_failed.load(), 0U) << "interrupted at " << std::hex << found.wrong_at.load();
    EXPECT_EQ(found.ended_in_thread.load(), 0U);
    EXPECT_EQ(found.fp_of_another.load(), 0U);
    EXPECT_EQ(found.on_contexts.load(), found.taken.load());
    EXPECT_GT(found.walked_by_fp.load(), found.taken.load() / 2);
  };
  load.run();
  EXPECT_GT(load.guests_ended, 0U);
}

}  // namespace
