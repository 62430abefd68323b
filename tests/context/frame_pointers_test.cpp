// The call chain of a context, for those who walk it by frame pointers.
#include <cstdint>  // uintptr_t

#include <gtest/gtest.h>

#include "base/signal_registers.hpp"  // frame records
#include "visit.hpp"

namespace {

using namespace weft::testing;

TYPED_TEST_SUITE(FirstEntry, rigs, rig_names);

#if defined(__arm__)
constexpr bool frames_have_records = false;
#else
constexpr bool frames_have_records = true;
#endif

// The tests are built with frame pointers, or what the ABI has in their place: each leads to the caller's, the last to 0.
TYPED_TEST(FirstEntry, FramePointerWalkersStopAtTheEntry) {
  if (!frames_have_records) GTEST_SKIP() << "frames of 32-bit ARM code have no records that could be followed";
  const visit<TypeParam> v{[](visit<TypeParam>& self) {
    const auto read = [](std::uintptr_t address, std::uintptr_t& word) {
      word = *reinterpret_cast<const std::uintptr_t*>(address);  // NOLINT: an address from a record
      return true;
    };
    auto fp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    for (int limit = 100; fp != 0 && limit != 0; --limit) {
      weft::detail::frame_record record{};
      weft::detail::caller_of(fp, read, record);
      self.chain.push_back(record.return_address);
      fp = record.caller_fp;
    }
  }};
  expect_ends_at_entry<TypeParam>(v.chain);
  EXPECT_LE(v.chain.size(), 5U);
}

}  // namespace
