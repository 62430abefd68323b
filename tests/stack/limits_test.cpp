// Limits a process may live under: of address space, of data, of locked memory.
#include <gtest/gtest.h>

#include <sys/mman.h>      // mlockall
#include <sys/resource.h>  // setrlimit

#include <cstdlib>
#include <string>

#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

void limit(int resource, std::size_t bytes) {
  const rlimit wanted{.rlim_cur = bytes, .rlim_max = bytes};
  ASSERT_EQ(::setrlimit(static_cast<__rlimit_resource>(resource), &wanted), 0);
}

// Takes stacks until there are no more. \return how many there were
std::size_t take_until_refused(stack_cache& cache, std::size_t most, unsigned size_class = class_256k) {
  std::size_t taken = 0;
  std::error_code error;
  stack* list = nullptr;
  for (stack* s = nullptr; taken < most && (s = cache.take(size_class, error)) != nullptr; ++taken) {
    EXPECT_TRUE(guarded(*s));
    s->next = list;
    list = s;
  }
  EXPECT_EQ(taken < most, bool(error)) << error.message();
  while (list != nullptr) {
    stack* const s = list;
    list = s->next;
    cache.put(s);
  }
  return taken;
}

TEST(Limits, StacksComeFromWhateverAddressSpaceIsAllowed) {
  if (emulated) GTEST_SKIP() << emulators_memory;
  if (instrumented) {
    GTEST_SKIP() << "sanitizers need terabytes of address space";
  }
  for (const std::size_t mib : {64U, 200U, 1000U, 4000U}) {
    expect_in_child([&] {
      const std::size_t used = status_bytes("VmSize");
      limit(RLIMIT_AS, used + mib * 1024 * 1024);
      stack_cache cache;
      const std::size_t got = take_until_refused(cache, 100'000);
      EXPECT_GE(got * 256 * 1024, mib * 1024 * 1024 / 4 * 3);
      std::error_code error;
      EXPECT_NE(cache.take(class_256k, error), nullptr) << "those returned are there again";
    });
  }
}

TEST(Limits, FewStacksDoNotTakeTheAddressSpaceOfTheRest) {
  if (emulated) GTEST_SKIP() << emulators_memory;
  if (instrumented) {
    GTEST_SKIP() << "sanitizers need terabytes of address space";
  }
  expect_in_child([] {
    const std::size_t used = status_bytes("VmSize"), allowed = std::size_t{2000} * 1024 * 1024;
    limit(RLIMIT_AS, used + allowed);
    stack_cache cache;
    EXPECT_EQ(take_until_refused(cache, 100), 100U);
    EXPECT_LE(status_bytes("VmSize"), used + allowed / 8);
  });
}

TEST(Limits, ALimitOfDataIsMetBySmallerSteps) {
  if (emulated) GTEST_SKIP() << emulators_memory;
  if (instrumented) {
    GTEST_SKIP() << "sanitizers need more data than that";
  }
  expect_in_child([] {
    constexpr std::size_t mib = 46;  // in whole batches only two thirds of it would fit
    limit(RLIMIT_DATA, status_bytes("VmData") + mib * 1024 * 1024);
    stack_cache cache;
    EXPECT_GE(take_until_refused(cache, 100'000), mib * 4 - 12);
  });
}

void take_under_mlockall(int flags, bool slabs_first) {
  stack_cache cache;
  if (slabs_first) {
    must_take(cache);
  }
  if (::mlockall(flags) != 0) {
    GTEST_SKIP() << "this process may not lock its memory";
  }
  const std::size_t before = status_bytes("VmRSS");
  std::size_t guards = 0;
  for (int i = 0; i < 200; ++i) {
    const stack* const s = must_take(cache);
    ASSERT_NE(s, nullptr);
    guards += guarded(*s) ? 1U : 0U;
  }
  EXPECT_EQ(guards, 200U);
  EXPECT_LE(status_bytes("VmRSS") - before, std::size_t{2} << 20) << "stacks became resident whole";
  EXPECT_LE(status_bytes("VmLck"), std::size_t{1} << 30) << "a reservation counts as locked";
}

TEST(Limits, LockedProcessesHaveGuardedStacksThatAreNotResidentWhole) {
  if (emulated) GTEST_SKIP() << emulators_memory;
  if (instrumented) {
    GTEST_SKIP() << "locking the shadow memory of a sanitizer takes all there is";
  }
  for (const bool slabs_first : {false, true}) {
    for (const int flags : {MCL_FUTURE, MCL_CURRENT | MCL_FUTURE}) {
      const child_result result = run_in_child([&] { take_under_mlockall(flags, slabs_first); });
      if (result.skipped()) {
        GTEST_SKIP() << result.errors;
      }
      EXPECT_TRUE(result.passed()) << flags << ' ' << slabs_first << '\n' << result.errors;
      EXPECT_EQ(result.errors.find("have no guard page"), std::string::npos) << result.errors;
    }
  }
}

}  // namespace
}  // namespace weft::testing
