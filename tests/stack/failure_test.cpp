// Every system call of the layer fails once, at every place: taking a stack then gives an error that passes, or a stack
// whose guard is what its header says; nothing is lost, and no guard goes missing without the warning.
#include <gtest/gtest.h>

#include <string>

#include "stack/guard.hpp"
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"  // emulated

namespace weft::testing {
namespace {

using namespace weft::detail;

enum call : unsigned { map, unmap, protect, advise, advise_many, unlock, read_by_kernel, call_kinds };

struct script {
  call failing = call_kinds;
  unsigned at = 0;     // the first call to fail, from 1
  unsigned until = 0;  // and the last
  int error = ENOMEM;
  unsigned made[call_kinds] = {};
  std::size_t mapped = 0;  // bytes now mapped through the layer
};
script now;

int fails(call kind) noexcept {
  const unsigned n = ++now.made[kind];
  return kind == now.failing && n >= now.at && n <= now.until ? now.error : 0;
}

const os_calls scripted = {
    .map =
        [](std::size_t bytes, int protection, void*& out) noexcept {
          const int error = fails(map) != 0 ? now.error : real_os.map(bytes, protection, out);
          now.mapped += error == 0 ? bytes : 0;
          return error;
        },
    .unmap =
        [](void* at, std::size_t bytes) noexcept {
          const int error = fails(unmap) != 0 ? now.error : real_os.unmap(at, bytes);
          now.mapped -= error == 0 ? bytes : 0;
          return error;
        },
    .remap = real_os.remap,  // timers only
    .protect =
        [](void* at, std::size_t bytes, int protection) noexcept {
          return fails(protect) != 0 ? now.error : real_os.protect(at, bytes, protection);
        },
    .advise = [](void* at, std::size_t bytes,
                 int advice) noexcept { return fails(advise) != 0 ? now.error : real_os.advise(at, bytes, advice); },
    .advise_many =
        [](const iovec* ranges, std::size_t count, int advice, std::size_t& advised) noexcept {
          if (fails(advise_many) == 0) {
            return real_os.advise_many(ranges, count, advice, advised);
          }
          // The kernel may stop in the middle of a batch, even of a range: half of what it was asked for is done.
          std::size_t total = 0;
          for (std::size_t i = 0; i < count / 2; ++i) {
            total += real_os.advise(ranges[i].iov_base, ranges[i].iov_len, advice) == 0 ? ranges[i].iov_len : 0;
          }
          advised = total;
          return count < 2 ? now.error : 0;
        },
    .unlock = [](void* at,
                 std::size_t bytes) noexcept { return fails(unlock) != 0 ? now.error : real_os.unlock(at, bytes); },
    .residency = real_os.residency,
    .read_by_kernel =
        [](const void* at) noexcept { return fails(read_by_kernel) != 0 ? 0 : real_os.read_by_kernel(at); },
    .max_mappings = real_os.max_mappings};

constexpr unsigned takes = 70;  // batches of 8, 8, 16, 32 and 64

struct outcome {
  unsigned errors = 0, unguarded = 0;
};

// Takes `takes` stacks, giving each call a second chance.
outcome take_all() {
  outcome seen;
  stack_cache cache;
  for (unsigned i = 0; i < takes; ++i) {
    std::error_code error;
    stack* s = cache.take(class_256k, error);
    if (s == nullptr) {
      ++seen.errors;
      EXPECT_TRUE(error) << "no stack and no reason";
      error.clear();
      s = cache.take(class_256k, error);
    }
    if (s == nullptr) {
      ADD_FAILURE() << "did not recover: " << error.message();
      return seen;
    }
    EXPECT_EQ(guarded(*s), s->guard != guard_kind::none) << "take " << i;
    *s->limit = std::byte{1};
  }
  EXPECT_GE(read_stack_stats().slots_open, takes);
  seen.unguarded = static_cast<unsigned>(read_stack_stats().unguarded);  // also of those nobody took
  return seen;
}

void fail_each_call_of(call kind, guard_kind first, int error) {
  const bool have_markers = run_in_child([] {
                              set_guard_policy_for_tests({});
                              EXPECT_TRUE(probe_guard_markers().markers);
                            }).passed();
  for (unsigned k = 1;; ++k) {
    struct {
      unsigned made, unguarded;
    } seen_there = {};
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const child_result result = run_in_child([&] {
      set_os_for_tests(&scripted);
      set_guard_policy_for_tests({.first = first});
      now = {.failing = kind, .at = k, .until = k, .error = error};
      const outcome seen = take_all();
      EXPECT_LE(seen.errors, 1U);
      const std::size_t slab = read_stack_stats().slabs == 1 ? std::size_t{64} << 30 : 0;
      if (kind != unmap && slab != 0) {
        EXPECT_LE(now.mapped, slab + (std::size_t{1} << 20)) << "an address range was lost";
      }
      seen_there = {.made = now.made[kind], .unguarded = seen.unguarded};
      EXPECT_EQ(::write(ends[1], &seen_there, sizeof seen_there), ssize_t{sizeof seen_there});
    });
    EXPECT_TRUE(result.passed()) << "call " << kind << " number " << k << "\n" << result.errors;
    EXPECT_EQ(::read(ends[0], &seen_there, sizeof seen_there), ssize_t{sizeof seen_there});
    ::close(ends[0]);
    ::close(ends[1]);
    const bool warned = result.errors.find("have no guard page") != std::string::npos;
    EXPECT_EQ(warned, seen_there.unguarded != 0) << "call " << kind << " number " << k << "\n" << result.errors;
    if (first == guard_kind::markers && (kind != protect || have_markers)) {
      EXPECT_EQ(seen_there.unguarded, 0U) << "one failure must not cost a guard while protection is to be had";
    }
    if (emulated && k == 20)
      return;  // without markers there is a call for each stack, and a run for each call is a second
    if (::testing::Test::HasFailure() || seen_there.made < k) {
      EXPECT_GT(k, 1U) << "no call was made at all";
      return;
    }
  }
}

TEST(Failure, OfAnyMappingIsAnErrorThatPasses) { fail_each_call_of(map, guard_kind::markers, ENOMEM); }
TEST(Failure, OfAnyUnmappingCostsAddressSpaceOnly) { fail_each_call_of(unmap, guard_kind::markers, ENOMEM); }
TEST(Failure, OfAnyProtectionIsAnErrorThatPasses) { fail_each_call_of(protect, guard_kind::markers, ENOMEM); }
TEST(Failure, OfAnyProtectedGuardIsKnown) { fail_each_call_of(protect, guard_kind::protect, ENOMEM); }
TEST(Failure, OfAnyAdviceFallsBackToProtection) {
  fail_each_call_of(advise, guard_kind::markers, ENOMEM);
  fail_each_call_of(advise, guard_kind::markers, EINVAL);
}
TEST(Failure, OfAnyUnlockingIsBorne) { fail_each_call_of(unlock, guard_kind::markers, ENOMEM); }
TEST(Failure, OfTheProbeFallsBackToProtection) { fail_each_call_of(read_by_kernel, guard_kind::markers, 0); }

TEST(Failure, OfABatchInTheMiddleGuardsTheRestSingly) {
  expect_in_child([] {
    set_guard_policy_for_tests({});
    if (!probe_guard_markers().many) {
      GTEST_SKIP() << "no batches of guard markers on this kernel";
    }
  });
  if (IsSkipped()) return;
  fail_each_call_of(advise_many, guard_kind::markers, EPERM);
}

TEST(Failure, ThatLastsIsReportedEachTimeAndLeavesNothingBehind) {
  for (const call kind : {map, protect}) {
    expect_in_child([&] {
      set_os_for_tests(&scripted);
      now = {.failing = kind, .at = 1, .until = ~0U, .error = ENOMEM};
      stack_cache cache;
      std::size_t mapped = 0;
      for (int i = 0; i < 10; ++i) {
        std::error_code error;
        EXPECT_EQ(cache.take(class_256k, error), nullptr);
        EXPECT_EQ(error, std::errc::not_enough_memory);
        EXPECT_EQ(read_stack_stats().slots_open, 0U);
        if (i == 0) {
          mapped = now.mapped;
        }
        EXPECT_EQ(now.mapped, mapped) << "each failure maps more";
      }
      now.failing = call_kinds;
      EXPECT_EQ(take_all().errors, 0U);
    });
  }
}

TEST(Failure, OfTheBooksGivesTheSlabBack) {
  expect_in_child([] {
    set_os_for_tests(&scripted);
    now = {.failing = map, .at = 2, .until = 2, .error = ENOMEM};
    stack_cache cache;
    std::error_code error;
    EXPECT_EQ(cache.take(class_256k, error), nullptr);
    EXPECT_EQ(error, std::errc::not_enough_memory);
    EXPECT_EQ(now.mapped, 0U);
    EXPECT_EQ(read_stack_stats().slabs, 0U);
  });
}

}  // namespace
}  // namespace weft::testing
