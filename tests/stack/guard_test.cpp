// Guards: they hold, big frames meet them, and each kind takes over from the one before, never silently.
#include "stack/guard.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>  // mmap, madvise

#include <csignal>  // sigaction, sigaltstack
#include <cstring>  // memset
#include <string>
#include <vector>

#include "context/switch.hpp"  // make_context
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"
#include "support/keep_frame.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

void poke(std::byte* at) { *const_cast<volatile std::byte*>(at) = std::byte{1}; }

TEST(Guard, ProbeBelievesOnlyAPageTheKernelCannotRead) {
  expect_in_child([] {
    const guard_support real = probe_guard_markers();
    EXPECT_TRUE(real.known);

    // An emulator that answers the marker call with success and does nothing.
    static os_calls liar = real_os;
    liar.advise = [](void*, std::size_t, int) noexcept { return 0; };
    liar.advise_many = [](const iovec*, std::size_t, int, std::size_t& advised) noexcept {
      advised = page_bytes;
      return 0;
    };
    set_os_for_tests(&liar);
    EXPECT_TRUE(probe_guard_markers().known);
    EXPECT_FALSE(probe_guard_markers().markers);

    // One where only the batched form lies: single calls are used.
    liar.advise = real_os.advise;
    const guard_support half = probe_guard_markers();
    EXPECT_EQ(half.markers, real.markers);
    EXPECT_FALSE(half.many);
    set_os_for_tests(nullptr);
  });
}

TEST(Guard, WritingIntoAGuardOfEitherKindKills) {
  for (const guard_kind kind : {guard_kind::markers, guard_kind::protect}) {
    for (const unsigned size_class : {class_16k, class_64k, class_256k}) {
      for (const bool lowest : {true, false}) {
        const child_result result = run_in_child([&] {
          set_guard_policy_for_tests({.first = kind});
          stack_cache cache;
          stack* const s = must_take(cache, size_class);
          poke(s->limit);  // the lowest usable byte is usable
          poke(lowest ? s->slot : s->limit - 1);
        });
        EXPECT_TRUE(result.killed_by(SIGSEGV)) << int(kind) << ' ' << size_class << ' ' << result.errors;
      }
    }
  }
}

TEST(Guard, HasSixtyFourKibibytesOrAQuarterOfTheSlot) {
  EXPECT_EQ(guard_bytes(std::size_t{16} * 1024), std::size_t{4} * 1024);
  EXPECT_EQ(guard_bytes(std::size_t{64} * 1024), std::size_t{16} * 1024);
  EXPECT_EQ(guard_bytes(std::size_t{256} * 1024), std::size_t{64} * 1024);
  EXPECT_EQ(guard_bytes(max_stack_size), std::size_t{64} * 1024);
}

// A frame that touches nothing but its lowest byte, the worst case for a guard, on a real fiber stack.
template <std::size_t Bytes>
[[gnu::noinline, gnu::no_sanitize_address, gnu::no_sanitize_thread]] int descend(int depth) noexcept {
  volatile char frame[Bytes];
  weft::testing::keep_frame(frame);
  frame[0] = static_cast<char>(depth);
  if (depth == 1'000'000) {  // never: the guard comes first
    return 0;
  }
  const int below = descend<Bytes>(depth + 1);
  return below + frame[0];  // not a tail call
}

stack* victim = nullptr;

void check_fault(int, siginfo_t* info, void*) {
  const stack_location at = locate_stack_address(info->si_addr);
  ::_exit(at.zone == stack_zone::guard && at.slot == victim->slot ? 0 : 1);
}

template <std::size_t Bytes>
void overflow_with_frames_of() {
  alignas(16) static char handler_stack[65536];
  const stack_t alternate{.ss_sp = handler_stack, .ss_flags = 0, .ss_size = sizeof handler_stack};
  ASSERT_EQ(::sigaltstack(&alternate, nullptr), 0);
  struct sigaction action = {};
  action.sa_sigaction = check_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ASSERT_EQ(::sigaction(SIGSEGV, &action, nullptr), 0);

  stack_cache cache;
  stack* const below = must_take(cache);  // the neighbour that an overflow would reach
  victim = must_take(cache);
  ASSERT_EQ(below->slot + stack_slot_bytes(class_256k), victim->slot);
  context here, there;
  make_context(
      there, victim->top(),
      [](void*) noexcept {
        static_cast<void>(descend<Bytes>(0));
        ::_exit(2);
      },
      nullptr);
  switch_context(here, there);
}

TEST(Guard, FramesUpToSixtyKibibytesFaultInTheGuardOfTheirOwnStack) {
  if (instrumented) {
    GTEST_SKIP() << "sanitizers keep locals elsewhere and handle the fault themselves";
  }
  expect_in_child(overflow_with_frames_of<std::size_t{1} * 1024>);
  expect_in_child(overflow_with_frames_of<std::size_t{4} * 1024>);
  expect_in_child(overflow_with_frames_of<std::size_t{16} * 1024>);
  expect_in_child(overflow_with_frames_of<std::size_t{32} * 1024>);
  expect_in_child(overflow_with_frames_of<std::size_t{48} * 1024>);
  expect_in_child(overflow_with_frames_of<std::size_t{60} * 1024>);
}

TEST(Guard, ProtectionEndsAtTheBudgetWithOneWarning) {
  const child_result result = run_in_child([] {
    set_guard_policy_for_tests({.first = guard_kind::protect, .mapping_budget = 2 * 20});
    stack_cache cache;
    unsigned of_kind[3] = {};
    for (int i = 0; i < 100; ++i) {
      const stack* const s = must_take(cache);
      ++of_kind[static_cast<unsigned>(s->guard)];
      EXPECT_EQ(guarded(*s), s->guard == guard_kind::protect);
    }
    EXPECT_EQ(of_kind[static_cast<unsigned>(guard_kind::protect)], 20U);
    EXPECT_EQ(of_kind[static_cast<unsigned>(guard_kind::none)], 80U);
    EXPECT_EQ(read_stack_stats().guards_by_protect, 20U);
    EXPECT_GE(read_stack_stats().unguarded, 80U);
  });
  EXPECT_TRUE(result.passed()) << result.errors;
  const std::string warning = "weft: warning: from here on new fiber stacks have no guard page";
  const std::size_t once = result.errors.find(warning);
  ASSERT_NE(once, std::string::npos) << result.errors;
  EXPECT_EQ(result.errors.find(warning, once + 1), std::string::npos) << "warned twice";
}

TEST(Guard, ProtectionLeavesAQuarterOfTheSystemsMappingsFree) {
  expect_in_child([] {
    static os_calls calls = real_os;
    calls.max_mappings = []() noexcept -> std::size_t { return 400; };
    set_os_for_tests(&calls);
    set_guard_policy_for_tests({.first = guard_kind::protect});
    stack_cache cache;
    const std::size_t before = count_mappings();
    for (int i = 0; i < 400; ++i) {
      must_take(cache);
    }
    EXPECT_EQ(read_stack_stats().guards_by_protect, 150U);
    EXPECT_LE(count_mappings(), before + 310);
  });
}

TEST(Guard, MarkersRefusedInTheMiddleOfABatchGiveWayToProtection) {
  expect_in_child([] {
    static os_calls calls = real_os;
    static int allowed = 0;
    set_guard_policy_for_tests({});
    if (!probe_guard_markers().markers) {
      GTEST_SKIP() << "no guard markers on this kernel";
    }
    calls.advise_many = [](const iovec*, std::size_t, int, std::size_t&) noexcept { return ENOSYS; };
    calls.advise = [](void* at, std::size_t bytes, int advice) noexcept {
      return advice == madv_guard_install && allowed-- <= 0 ? EINVAL : real_os.advise(at, bytes, advice);
    };
    allowed = 1 + 5;  // the probe, and five of the first eight
    set_os_for_tests(&calls);
    stack_cache cache;
    for (int i = 0; i < 8; ++i) {
      const stack* const s = must_take(cache);
      EXPECT_EQ(s->guard, i < 5 ? guard_kind::markers : guard_kind::protect) << i;
      EXPECT_TRUE(guarded(*s)) << i;
    }
    EXPECT_EQ(read_stack_stats().unguarded, 0U);
  });
}

TEST(Guard, OverwrittenCanaryIsFatalWhenTheStackIsReturned) {
  const auto overflow_by = [](std::size_t bytes) {
    return run_in_child([bytes] {
      set_guard_policy_for_tests({.first = guard_kind::none});
      stack_cache cache;
      stack* const s = must_take(cache);
      EXPECT_EQ(s->guard, guard_kind::none);
      std::memset(s->limit, 0xff, 64);  // all of the usable part may be used
      cache.put(s);
      EXPECT_EQ(must_take(cache), s);
      if (bytes != 0) {
        poke(s->limit - bytes);
      }
      cache.put(s);
    });
  };
  EXPECT_TRUE(overflow_by(0).passed());
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{8}, canary_bytes}) {
    const child_result result = overflow_by(bytes);
    EXPECT_TRUE(result.killed_by(SIGABRT)) << bytes;
    EXPECT_NE(result.errors.find("overflowed its unguarded stack of 262144 bytes"), std::string::npos) << result.errors;
  }
}

// Whether a page that was only read takes memory: there are kernels without the page of zeros that all such share.
bool reading_costs_a_page() {
  constexpr std::size_t pages = 1000;
  void* const memory = ::mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(memory, MAP_FAILED);
  EXPECT_EQ(::madvise(memory, pages * page_bytes, MADV_NOHUGEPAGE), 0);
  const std::size_t before = status_bytes("VmRSS");
  for (std::size_t i = 0; i < pages; ++i) {
    EXPECT_EQ(static_cast<const volatile char*>(memory)[i * page_bytes], 0);
  }
  const bool costs = status_bytes("VmRSS") - before > pages * page_bytes / 2;
  ::munmap(memory, pages * page_bytes);
  return costs;
}

TEST(Guard, CanaryCostsNoPageOfItsOwn) {
  if (emulated) GTEST_SKIP() << emulators_memory;
  expect_in_child([] {
    if (instrumented) {
      return;  // resident memory says nothing there
    }
    set_guard_policy_for_tests({.first = guard_kind::none});
    const std::size_t pages_each = reading_costs_a_page() ? 2 : 1;
    stack_cache cache;
    constexpr std::size_t n = 5000;
    const std::size_t before = status_bytes("VmRSS");
    stack* all = nullptr;
    for (std::size_t i = 0; i < n; ++i) {
      stack* const s = must_take(cache);
      s->next = all;
      all = s;
    }
    while (all != nullptr) {
      stack* const s = all;
      all = s->next;
      cache.put(s);  // reads the canary
    }
    EXPECT_LE(status_bytes("VmRSS") - before, n * pages_each * page_bytes + n * page_bytes / 10);
  });
}

TEST(Guard, GuardsHoldInAForkedChildAndCanBeMadeThere) {
  expect_in_child([] {
    stack_cache cache;
    const stack* const old = must_take(cache);
    expect_in_child([&] {
      EXPECT_TRUE(guarded(*old));
      for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(guarded(*must_take(cache)));
      }
    });
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(guarded(*must_take(cache)));  // the child's work did not reach this process
    }
  });
}

}  // namespace
}  // namespace weft::testing
