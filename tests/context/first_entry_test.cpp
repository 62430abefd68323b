// How a context begins: aligned as the ABI wants, with the argument and default floating-point words, and with a call
// chain that ends there, for unwinders; for frame-pointer walkers: frame_pointers_test.cpp.
#include <unwind.h>  // _Unwind_Backtrace

#include <cstdint>  // uintptr_t
#include <vector>   // addresses of a chain

#include <gtest/gtest.h>

#include "support/machine.hpp"
#include "visit.hpp"

namespace {

using namespace weft::testing;

TYPED_TEST_SUITE(FirstEntry, rigs, rig_names);

// A frame pointer is aligned to two words exactly when the stack pointer was at the call.
TYPED_TEST(FirstEntry, StackIsAlignedAsAfterACall) {
  const visit<TypeParam> v{[](visit<TypeParam>& /*self*/) { touch_aligned_stack(); }};
  EXPECT_EQ(v.entry_frame % (2 * sizeof(void*)), 0U);
  EXPECT_LE(v.entry_frame, reinterpret_cast<std::uintptr_t>(v.stack.top()));
  EXPECT_GT(v.entry_frame, reinterpret_cast<std::uintptr_t>(v.stack.top()) - 256);
}

TYPED_TEST(FirstEntry, FloatingPointWordsAreTheDefaultsWhateverTheStarterHad) {
  const std::uint64_t starters = fp_state();
  set_fp_state(fp_state_odd);
  static std::uint64_t seen;
  const visit<TypeParam> v{[](visit<TypeParam>& /*self*/) { seen = fp_state(); }};
  const std::uint64_t afterwards = fp_state();
  set_fp_state(starters);
  EXPECT_EQ(seen, fp_state_initial) << "the defaults, and the inexact flag raised";
  EXPECT_EQ(afterwards, fp_state_odd) << "the starter has its own words back";
}

_Unwind_Reason_Code collect(_Unwind_Context* frame, void* out) {
  if (const std::uintptr_t pc = _Unwind_GetIP(frame); pc != 0) {  // libgcc reports the end of a chain as a frame at 0
    static_cast<std::vector<std::uintptr_t>*>(out)->push_back(pc);
  }
  return _URC_NO_REASON;
}

template <class Rig>
[[gnu::noinline]] void unwind_at_depth(visit<Rig>& self, int depth) {
  if (depth == 0) {
    _Unwind_Backtrace(collect, &self.chain);
  } else {
    unwind_at_depth(self, depth - 1);
    asm volatile("");  // no tail call
  }
}

// The unwinder of 32-bit ARM does not report the function at which it must stop: the last one is the one that it called.
#if defined(__ARM_EABI_UNWINDER__)
template <class Rig>
void expect_unwound_to_entry(const std::vector<std::uintptr_t>& chain) {
  const auto called = reinterpret_cast<std::uintptr_t>(&visit<Rig>::entry);
  ASSERT_FALSE(chain.empty());
  EXPECT_GT(chain.back(), called);
  EXPECT_LT(chain.back(), called + 512);
}
#else
template <class Rig>
void expect_unwound_to_entry(const std::vector<std::uintptr_t>& chain) {
  expect_ends_at_entry<Rig>(chain);
}
#endif

TYPED_TEST(FirstEntry, UnwindersStopAtTheEntryAndMissNoFrame) {
  const visit<TypeParam> v{[](visit<TypeParam>& self) { unwind_at_depth(self, 10); }};
  expect_unwound_to_entry<TypeParam>(v.chain);
  EXPECT_GE(v.chain.size(),
            10U + 1U);  // the recursion, of which a compiler may inline a level, and the outermost frame
  EXPECT_LE(v.chain.size(), 11U + 5U);  // plus a lambda, its invoker, what a compiler kept apart
}

}  // namespace
