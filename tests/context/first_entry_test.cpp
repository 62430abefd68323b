// How a context begins: aligned as the ABI wants, with the argument and default floating-point words, and with a call
// chain that ends there, for unwinders and for frame-pointer walkers.
#include <unwind.h>  // _Unwind_Backtrace

#include <cstddef>  // byte
#include <cstdint>  // uintptr_t
#include <vector>   // addresses of a chain

#include <gtest/gtest.h>

#include "base/signal_registers.hpp"  // frame records
#include "rig.hpp"
#include "support/machine.hpp"

extern "C" void weft_naked_entry() noexcept;  // local to the library: their addresses name the outermost frame
extern "C" void weft_context_entry() noexcept;

namespace {

using namespace weft::testing;

// What one context saw; it runs body() once and ends.
template <class Rig>
struct visit {
  Rig host, guest;
  mapped_stack stack;
  void (*body)(visit&) = nullptr;
  std::uintptr_t entry_frame = 0;  // address of the entry function's frame record
  std::vector<std::uintptr_t> chain = {};

  explicit visit(void (*what)(visit&)) : body(what) {
    host.adopt_thread();
    guest.start(stack, entry, this);
    Rig::turn(host, guest);
  }
  WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
    auto& self = *static_cast<visit*>(argument);
    weft::detail::sanitizer_after_switch(self.guest.sanitizer);
    self.entry_frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    self.body(self);
    Rig::turn(self.guest, self.host, true);
  }
};

template <class Rig>
class FirstEntry : public ::testing::Test {};
struct rig_names {
  template <class Rig>
  static std::string GetName(int /*index*/) {
    return Rig::name;
  }
};
using rigs = ::testing::Types<inline_rig, naked_rig>;
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

// weft_*_entry is its chain's last function: the last return address lies within its few bytes.
template <class Rig>
void expect_ends_at_entry(const std::vector<std::uintptr_t>& chain) {
  const auto outermost =
      reinterpret_cast<std::uintptr_t>(std::is_same_v<Rig, naked_rig> ? &weft_naked_entry : &weft_context_entry);
  ASSERT_FALSE(chain.empty());
  EXPECT_GT(chain.back(), outermost);
  EXPECT_LT(chain.back(), outermost + 32);
}

// The unwinder of 32-bit ARM does not report the function at which it must stop: the last one is the one that it called.
#if defined(__ARM_EABI_UNWINDER__)
constexpr bool frames_have_records = false;
template <class Rig>
void expect_unwound_to_entry(const std::vector<std::uintptr_t>& chain) {
  const auto called = reinterpret_cast<std::uintptr_t>(&visit<Rig>::entry);
  ASSERT_FALSE(chain.empty());
  EXPECT_GT(chain.back(), called);
  EXPECT_LT(chain.back(), called + 512);
}
#else
constexpr bool frames_have_records = true;
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

// The tests are built with frame pointers: each record is {caller's record, return address}, and the last one is 0.
TYPED_TEST(FirstEntry, FramePointerWalkersStopAtTheEntry) {
  if (!frames_have_records) GTEST_SKIP() << "frames of 32-bit ARM code have no records that could be followed";
  const visit<TypeParam> v{[](visit<TypeParam>& self) {
    auto* fp = static_cast<std::byte*>(__builtin_frame_address(0));
    for (int limit = 100; fp != nullptr && limit != 0; --limit) {
      const auto* const record = reinterpret_cast<weft::detail::frame_record*>(fp + weft::detail::frame_record_offset);
      self.chain.push_back(record->return_address);
      fp = reinterpret_cast<std::byte*>(record->caller_fp);  // NOLINT: an address from a record
    }
  }};
  expect_ends_at_entry<TypeParam>(v.chain);
  EXPECT_LE(v.chain.size(), 5U);
}

}  // namespace
