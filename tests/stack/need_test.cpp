// How much stack real code needs, measured on stacks of this layer: prints the table, and holds it against the sizes on
// offer. A stack is painted, the code runs on it as a context of its own, and the lowest changed byte counts.
#include <gtest/gtest.h>

#include <execinfo.h>  // backtrace
#include <sys/auxv.h>  // getauxval

#include <cstdio>
#include <cstring>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

#include "context/switch.hpp"  // make_context, switch_context
#include "stack/guard.hpp"     // guard_bytes
#include "stack_testing.hpp"
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace weft::testing {
namespace {

using namespace weft::detail;

context host, guest;
void (*body)() = nullptr;

void enter(void*) noexcept {
  body();
  switch_context(guest, host);
  __builtin_unreachable();
}

[[gnu::noinline]] void run_on(stack& s) {
  make_context(guest, s.top(), enter, nullptr);
  switch_context(host, guest);
}

std::size_t bytes_needed(void (*code)()) {
  constexpr int paint = 0x6b;
  stack_cache cache;
  stack* const s = must_take(cache);
  std::memset(s->limit, paint, s->usable_bytes());
  body = code;
  run_on(*s);
  const std::byte* lowest = s->limit;
  while (lowest < s->top() && *lowest == std::byte{paint}) {
    ++lowest;
  }
  EXPECT_EQ(stack_high_water(*s), stack_slot_bytes(class_256k) - guard_bytes(stack_slot_bytes(class_256k)));
  cache.put(s);
  return static_cast<std::size_t>(s->top() - lowest);
}

volatile double sink = 1.5;

void nothing() {}

void throw_and_catch() {
  try {
    throw std::runtime_error("on a small stack");
  } catch (const std::exception& e) {
    sink = static_cast<double>(std::strlen(e.what()));
  }
}

void print_a_double() {
  char text[64];
  std::snprintf(text, sizeof text, "%.17g", sink);
}

void stream() {
  std::ostringstream out;
  out << sink << ' ' << 42;
  sink = static_cast<double>(out.str().size());
}

void trace() {
  void* frames[32];
  sink = ::backtrace(frames, 32);
}

// Each character is some ten calls deep, and on s390x each call has 160 bytes for its callee to save registers in: there 200
// took 264 KB, more than the default stack.
#if defined(__s390x__)
constexpr std::size_t regex_characters = 100;
#else
constexpr std::size_t regex_characters = 200;
#endif

void match() {
  const std::string text(regex_characters, 'a');
  sink = std::regex_match(text, std::regex("(a|b)*")) ? 1 : 0;
}

void measure() {
  struct row {
    const char* name;
    void (*code)();
    std::size_t most;
  };
  const std::size_t small = smallest_stack_bytes() - guard_bytes(smallest_stack_bytes()) - 1024;
  const std::size_t normal = stack_slot_bytes(class_256k) - guard_bytes(stack_slot_bytes(class_256k)) - 1024;
  for (const row& r : {row{"nothing", nothing, 1024}, row{"throw and catch", throw_and_catch, small},
                       row{"snprintf %g", print_a_double, small}, row{"ostringstream", stream, small},
                       row{"backtrace", trace, small}, row{"std::regex", match, normal}}) {
    const std::size_t first = bytes_needed(r.code), again = bytes_needed(r.code);
    std::printf("%-28s %7zu bytes at first, %7zu again\n", r.name, first, again);
    EXPECT_LE(first, r.most) << r.name;
  }
}

TEST(StackNeed, OfCommonCodeFitsTheSmallestStackAndOfARegexTheDefault) {
  if (instrumented) {
    GTEST_SKIP() << "instrumented frames are larger";
  }
  const child_result result = run_in_child(measure);
  EXPECT_TRUE(result.passed()) << result.errors;
  std::printf("%s", result.errors.c_str());
}

TEST(StackSize, SmallestLeavesRoomForASignalFrameOfTheProcessor) {
  EXPECT_EQ(smallest_stack_bytes_for(0), min_stack_size);
  EXPECT_EQ(smallest_stack_bytes_for(1776), min_stack_size);                    // AVX2
  EXPECT_EQ(smallest_stack_bytes_for(std::size_t{3600}), 2 * min_stack_size);   // AVX-512
  EXPECT_EQ(smallest_stack_bytes_for(std::size_t{11000}), 2 * min_stack_size);  // AMX
  EXPECT_EQ(smallest_stack_bytes(), smallest_stack_bytes_for(::getauxval(51)));
  for (std::size_t frame = 0; frame < 100'000; frame += 1000) {
    const std::size_t bytes = smallest_stack_bytes_for(frame);
    EXPECT_GE(bytes - guard_bytes(bytes) - 1024, frame + 8192);
  }
}

TEST(StackSize, RequestsAreTheSameEverywhereAndRoundedUpToWhatTheProcessorNeeds) {
  EXPECT_TRUE(is_stack_size(min_stack_size));
  EXPECT_FALSE(is_stack_size(min_stack_size - 1));
  EXPECT_TRUE(is_stack_size(max_stack_size));
  EXPECT_FALSE(is_stack_size(max_stack_size + 1));
  EXPECT_EQ(stack_class_bytes(requested_stack_class(min_stack_size)), smallest_stack_bytes());
  EXPECT_EQ(stack_class_bytes(requested_stack_class(1'000'000)), 1024U * 1024);
}

}  // namespace
}  // namespace weft::testing
