// Floating-point control belongs to the context: 64 of them, each with its own rounding and whatever else the processor
// can be told, find their words unchanged after every resumption and compute accordingly.
#include <cstdint>  // fixed-width integers
#include <deque>    // contexts: never moved
#include <memory>   // unique_ptr
#include <set>      // distinct results

#include <gtest/gtest.h>

#include "rig_types.hpp"
#include "support/machine.hpp"

namespace {

using namespace weft::testing;

constexpr unsigned contexts = 64;
constexpr unsigned rounds = 50;

// The host resumes context 0, each resumes the next, the last one the host: a round.
template <class Rig>
struct ring {
  struct one {
    Rig rig;
    ring* all = nullptr;
    unsigned number = 0;
    std::unique_ptr<mapped_stack> stack;
    unsigned words_kept = 0, results_kept = 0;
    fp_results reference{};
    Rig& next() { return number + 1 < contexts ? all->members[number + 1].rig : all->host; }
  };
  Rig host;
  std::deque<one> members;
  unsigned host_words_kept = 0;

  void run() {
    host.adopt_thread();
    for (unsigned i = 0; i < contexts; ++i) {
      one& c = members.emplace_back();
      c.all = this;
      c.number = i;
      c.stack = std::make_unique<mapped_stack>();
      c.rig.start(*c.stack, entry, &c);
    }
    const fp_control mine = control_now();
    for (unsigned round = 0; round <= rounds; ++round) {
      Rig::turn(host, members.front().rig);
      host_words_kept += control_now() == mine ? 1U : 0U;
    }
  }
  WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
    auto& self = *static_cast<one*>(argument);
    weft::detail::sanitizer_after_switch(self.rig.sanitizer);
    body(self);
    Rig::turn(self.rig, self.next(), true);
  }
  [[gnu::noinline]] static void body(one& self) {
    load(fp_control_of(self.number));
    self.reference = fp_compute();
    for (unsigned round = 0; round < rounds; ++round) {
      Rig::turn(self.rig, self.next());
      self.words_kept += control_now() == fp_control_of(self.number) ? 1U : 0U;
      self.results_kept += fp_compute() == self.reference ? 1U : 0U;
    }
  }
};

template <class Rig>
class FloatingPointWords : public ::testing::Test {};
TYPED_TEST_SUITE(FloatingPointWords, rigs, rig_names);

TYPED_TEST(FloatingPointWords, SixtyFourContextsKeepTheirOwn) {
  ring<TypeParam> r;
  r.run();
  std::set<fp_results> distinct;
  for (const auto& c : r.members) {
    EXPECT_EQ(c.words_kept, rounds) << "context " << c.number;
    EXPECT_EQ(c.results_kept, rounds) << "context " << c.number;
    distinct.insert(c.reference);
  }
  EXPECT_GE(distinct.size(), fp_distinct) << "the words must have made a difference";
  EXPECT_EQ(r.host_words_kept, rounds + 1);
}

TYPED_TEST(FloatingPointWords, StickyFlagsStayWithTheContextThatRaisedThem) {
  struct raiser {
    TypeParam host, guest;
    mapped_stack stack;
    std::uint64_t seen_later = 0;
    WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
      auto& self = *static_cast<raiser*>(argument);
      weft::detail::sanitizer_after_switch(self.guest.sanitizer);
      set_fp_state(fp_state_divided);
      TypeParam::turn(self.guest, self.host);
      self.seen_later = fp_state();
      TypeParam::turn(self.guest, self.host, true);
    }
  } r;
  const std::uint64_t before = fp_state();
  set_fp_state(fp_state_clear);
  r.host.adopt_thread();
  r.guest.start(r.stack, raiser::entry, &r);
  TypeParam::turn(r.host, r.guest);
  const std::uint64_t between = fp_state();
  TypeParam::turn(r.host, r.guest);
  set_fp_state(before);
  EXPECT_EQ(between, fp_state_clear);
  EXPECT_EQ(r.seen_later, fp_state_divided);
}

}  // namespace
