// A context that runs one function once, for tests of how contexts begin.
#pragma once
#include <cstdint>  // uintptr_t
#include <vector>   // addresses of a chain

#include <gtest/gtest.h>

#include "rig_types.hpp"

namespace weft::testing {

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

// weft_*_entry is its chain's last function: the last return address lies within its few bytes.
template <class Rig>
void expect_ends_at_entry(const std::vector<std::uintptr_t>& chain) {
  const std::uintptr_t outermost = Rig::outermost();
  ASSERT_FALSE(chain.empty());
  EXPECT_GT(chain.back(), outermost);
  EXPECT_LT(chain.back(), outermost + 32);
}

}  // namespace weft::testing
