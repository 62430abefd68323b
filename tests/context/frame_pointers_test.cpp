// The call chain of a context, for those who walk it by frame pointers.
#include <cstddef>  // byte

#include <gtest/gtest.h>

#include "base/signal_registers.hpp"  // frame records
#include "visit.hpp"

namespace {

using namespace weft::testing;

TYPED_TEST_SUITE(FirstEntry, rigs, rig_names);

// The tests are built with frame pointers: each record is {caller's record, return address}, and the last one is 0.
TYPED_TEST(FirstEntry, FramePointerWalkersStopAtTheEntry) {
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
