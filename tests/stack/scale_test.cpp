// A million guarded stacks: what they cost in mappings and memory, and that huge pages stay away.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "stack/guard.hpp"  // probe_guard_markers
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"
#include "support/scale.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

void take_many(unsigned size_class, double most_bytes_each) {
  const std::size_t fitting = instrumented ? 20'000 : fitting_count(1'000'000, 5000);
  const std::size_t many = stacks_with_room(fitting, stack_class_bytes(size_class));
  stack_cache cache;
  const std::size_t mappings = count_mappings(), resident = resident_with_tables();
  std::size_t unguarded = 0;
  for (std::size_t i = 0; i < many; ++i) {
    const stack* const s = must_take(cache, size_class);
    if (s == nullptr) {
      return;
    }
    unguarded += i % 997 == 0 && !guarded(*s) ? 1U : 0U;
  }
  if (probe_guard_markers().markers) {  // protection has a budget
    EXPECT_EQ(unguarded, 0U);
  }
  if (!instrumented && !emulated) {
    EXPECT_LE(static_cast<double>(resident_with_tables() - resident) / static_cast<double>(many), most_bytes_each);
  }
  if (probe_guard_markers().markers) {
    EXPECT_LT(count_mappings() - mappings, 100U);
    EXPECT_EQ(read_stack_stats().guards_by_markers, read_stack_stats().slots_open);
  }
}

TEST(Scale, AMillionDefaultStacksCostOnePageEachAndFewMappings) {
  expect_in_child([] { take_many(class_256k, 4.8 * 1024); });
}

TEST(Scale, AMillionSmallStacksCostOnePageEachAndFewMappings) {
  expect_in_child([] { take_many(class_64k, 4.4 * 1024); });
}

// The mapping of `inside` in /proc/self/smaps: its huge pages in KiB, and whether they are forbidden.
TEST(Scale, HugePagesAreForbiddenInSlabs) {
  // qemu-user makes up /proc/self/smaps, with "rd wr mr mw me nr" for whatever mapping.
  if (emulated) GTEST_SKIP() << "the emulator's /proc/self/smaps does not tell";
  expect_in_child([] {
    stack_cache cache;
    const stack* last = nullptr;
    for (int i = 0; i < 1000; ++i) {
      last = must_take(cache);
    }
    const auto wanted = reinterpret_cast<std::uintptr_t>(last);
    std::ifstream smaps("/proc/self/smaps");
    bool inside = false, seen_flags = false, seen_huge = false;
    for (std::string line; std::getline(smaps, line);) {
      char* rest = nullptr;
      const std::uintptr_t begin = std::strtoul(line.c_str(), &rest, 16);
      if (*rest == '-') {
        inside = begin <= wanted && wanted < std::strtoul(rest + 1, nullptr, 16);
      } else if (inside && line.starts_with("AnonHugePages:")) {
        seen_huge = true;
        EXPECT_EQ(std::strtoul(line.c_str() + 14, nullptr, 10), 0U) << line;
      } else if (inside && line.starts_with("VmFlags:")) {
        seen_flags = true;
        EXPECT_NE((line + ' ').find(" nh "), std::string::npos) << line;
        EXPECT_EQ((line + ' ').find(" gd "), std::string::npos) << "grows down: " << line;
      }
    }
    EXPECT_TRUE(seen_flags);
    EXPECT_TRUE(seen_huge);
  });
}

TEST(Scale, EverySizeOfStackCanBeTaken) {
  expect_in_child([] {
    stack_cache cache;
    for (unsigned size_class = 0; size_class < stack_classes; ++size_class) {
      stack* const one = must_take(cache, size_class);
      stack* const other = must_take(cache, size_class);
      ASSERT_TRUE(one != nullptr && other != nullptr);
      EXPECT_NE(one->slot, other->slot);
      EXPECT_TRUE(guarded(*one) && guarded(*other));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(one->slot) % 4096, 0U);
      EXPECT_GE(one->usable_bytes() + guard_bytes(stack_slot_bytes(size_class)) + 1024, stack_slot_bytes(size_class));
      *one->limit = std::byte{1};
      *(one->top() - 1) = std::byte{1};
      cache.put(one);
      cache.put(other);
    }
  });
}

}  // namespace
}  // namespace weft::testing
