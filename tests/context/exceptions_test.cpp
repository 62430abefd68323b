// Exceptions inside contexts: thrown and caught across switches, with frames of both sides interleaved in time. (What a
// context that suspends *inside* a catch block needs, the layers above carry: see tests/fiber.)
#include <stdexcept>  // runtime_error
#include <string>     // payload

#include <gtest/gtest.h>

#include "rig_types.hpp"

namespace {

using namespace weft::testing;

template <class Rig>
struct thrower {
  Rig host, guest;
  mapped_stack stack;
  int destroyed = 0;
  std::string last;

  void start() {
    host.adopt_thread();
    guest.start(stack, entry, this);
  }
  struct counted {
    thrower& owner;
    ~counted() { ++owner.destroyed; }
  };
  [[gnu::noinline]] void descend(int depth, int value) {
    const counted c{*this};
    if (depth == 0) {
      Rig::turn(guest, host);  // frames that are about to be unwound were parked meanwhile
      throw std::runtime_error("value " + std::to_string(value));
    }
    descend(depth - 1, value);
  }
  [[gnu::noinline]] void body() {
    for (int i = 0; i < 20; ++i) {
      try {
        descend(10, i);
      } catch (const std::runtime_error& e) {
        last = e.what();
      }
    }
  }
  WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
    auto& self = *static_cast<thrower*>(argument);
    weft::detail::sanitizer_after_switch(self.guest.sanitizer);
    self.body();
    Rig::turn(self.guest, self.host, true);
  }
};

template <class Rig>
class Exceptions : public ::testing::Test {};
TYPED_TEST_SUITE(Exceptions, rigs, rig_names);

TYPED_TEST(Exceptions, UnwindOneContextWhileTheOtherThrowsToo) {
  thrower<TypeParam> t;
  t.start();
  int host_caught = 0;
  for (int i = 0; i < 20; ++i) {
    try {
      TypeParam::turn(t.host, t.guest);
      throw i;
    } catch (const int value) {
      host_caught += value == i ? 1 : 0;
    }
    if (i > 0) {
      EXPECT_EQ(t.last, "value " + std::to_string(i - 1));
    }
  }
  TypeParam::turn(t.host, t.guest);  // the last throw, and the end
  EXPECT_EQ(host_caught, 20);
  EXPECT_EQ(t.last, "value 19");
  EXPECT_EQ(t.destroyed, 20 * 11);
}

TYPED_TEST(Exceptions, ThrownBeforeTheFirstSwitchBackIsCaughtInside) {
  struct early {
    TypeParam host, guest;
    mapped_stack stack;
    bool caught = false;
    [[gnu::noinline]] void body() {
      try {
        throw std::logic_error("at once");
      } catch (const std::exception&) {
        caught = true;
      }
    }
    WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
      auto& self = *static_cast<early*>(argument);
      weft::detail::sanitizer_after_switch(self.guest.sanitizer);
      self.body();
      TypeParam::turn(self.guest, self.host, true);
    }
  } e;
  e.host.adopt_thread();
  e.guest.start(e.stack, early::entry, &e);
  TypeParam::turn(e.host, e.guest);
  EXPECT_TRUE(e.caught);
}

}  // namespace
