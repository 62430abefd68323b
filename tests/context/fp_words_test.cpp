// Floating-point control belongs to the context: 64 of them, each with its own rounding, flush-to-zero, exception masks
// and x87 precision, find their words unchanged after every resumption and compute accordingly.
#include <array>    // results
#include <cstdint>  // fixed-width integers
#include <cstring>  // memcpy
#include <deque>    // contexts: never moved
#include <memory>   // unique_ptr
#include <set>      // distinct results

#include <gtest/gtest.h>

#include "rig.hpp"

namespace {

using namespace weft::testing;

constexpr unsigned contexts = 64;
constexpr unsigned rounds = 50;

struct words {
  unsigned mxcsr;
  std::uint16_t x87;
  bool operator==(const words&) const = default;
};

// Every combination of rounding, flush-to-zero and denormals-are-zero, 4 x87 roundings in 3 precisions, two mask sets.
constexpr words words_of(unsigned number) {
  constexpr unsigned precision[] = {0, 2, 3};  // 24, 53, 64 bits
  const unsigned mxcsr = 0x1f80U | (number % 4) << 13 | ((number / 4) % 2) << 15 | ((number / 8) % 2) << 6;
  const unsigned x87 = 0x007fU | precision[(number / 16) % 3] << 8 | ((number / 3) % 4) << 10;
  const unsigned unmasked = number % 5 == 0 ? 0x0200U : 0U;  // division by zero would trap
  return {mxcsr & ~unmasked, static_cast<std::uint16_t>(x87)};
}

void load(words w) {
  __builtin_ia32_ldmxcsr(w.mxcsr);
  asm volatile("fldcw %0" : : "m"(w.x87));
}

words now() {  // control only: the six sticky flags depend on what was computed
  words w{__builtin_ia32_stmxcsr() & 0xffc0U, 0};
  asm volatile("fnstcw %0" : "=m"(w.x87));
  return w;
}

// Bit patterns that differ by rounding, by flush-to-zero, by denormals-are-zero and by x87 rounding and precision.
using results = std::array<std::uint64_t, 6>;
results compute() {
  float third = 1, minus_third = -1, three = 3, half = 0.5F, tiny = 1.17549435e-38F, denormal = 1e-40F, large = 0x1p30F;
  asm volatile("divss %1, %0" : "+x"(third) : "x"(three));
  asm volatile("divss %1, %0" : "+x"(minus_third) : "x"(three));
  asm volatile("mulss %1, %0" : "+x"(tiny) : "x"(half));
  asm volatile("mulss %1, %0" : "+x"(denormal) : "x"(large));
  long double one = 1, x87_three = 3, plus, minus;
  asm volatile("fldt %1\n\tfldt %2\n\tfdivrp\n\tfstpt %0" : "=m"(plus) : "m"(one), "m"(x87_three));
  one = -1;
  asm volatile("fldt %1\n\tfldt %2\n\tfdivrp\n\tfstpt %0" : "=m"(minus) : "m"(one), "m"(x87_three));
  results bits{};
  const float floats[] = {third, minus_third, tiny, denormal};
  for (std::size_t i = 0; i < 4; ++i) {
    std::memcpy(&bits[i], &floats[i], sizeof(float));
  }
  std::memcpy(&bits[4], &plus, sizeof bits[4]);  // the mantissa
  std::memcpy(&bits[5], &minus, sizeof bits[5]);
  return bits;
}

// The host resumes context 0, each resumes the next, the last one the host: a round.
template <class Rig>
struct ring {
  struct one {
    Rig rig;
    ring* all = nullptr;
    unsigned number = 0;
    std::unique_ptr<mapped_stack> stack;
    unsigned words_kept = 0, results_kept = 0;
    results reference{};
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
    const words mine = now();
    for (unsigned round = 0; round <= rounds; ++round) {
      Rig::turn(host, members.front().rig);
      host_words_kept += now() == mine ? 1U : 0U;
    }
  }
  WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
    auto& self = *static_cast<one*>(argument);
    weft::detail::sanitizer_after_switch(self.rig.sanitizer);
    body(self);
    Rig::turn(self.rig, self.next(), true);
  }
  [[gnu::noinline]] static void body(one& self) {
    load(words_of(self.number));
    self.reference = compute();
    for (unsigned round = 0; round < rounds; ++round) {
      Rig::turn(self.rig, self.next());
      self.words_kept += now() == words_of(self.number) ? 1U : 0U;
      self.results_kept += compute() == self.reference ? 1U : 0U;
    }
  }
};

template <class Rig>
class FloatingPointWords : public ::testing::Test {};
struct rig_names {
  template <class Rig>
  static std::string GetName(int /*index*/) {
    return Rig::name;
  }
};
using rigs = ::testing::Types<inline_rig, naked_rig>;
TYPED_TEST_SUITE(FloatingPointWords, rigs, rig_names);

TYPED_TEST(FloatingPointWords, SixtyFourContextsKeepTheirOwn) {
  ring<TypeParam> r;
  r.run();
  std::set<results> distinct;
  for (const auto& c : r.members) {
    EXPECT_EQ(c.words_kept, rounds) << "context " << c.number;
    EXPECT_EQ(c.results_kept, rounds) << "context " << c.number;
    distinct.insert(c.reference);
  }
  EXPECT_GE(distinct.size(), 48U) << "the words must have made a difference";
  EXPECT_EQ(r.host_words_kept, rounds + 1);
}

TYPED_TEST(FloatingPointWords, StickyFlagsOfMxcsrStayWithTheContextThatRaisedThem) {
  struct raiser {
    TypeParam host, guest;
    mapped_stack stack;
    unsigned seen_later = 0;
    WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
      auto& self = *static_cast<raiser*>(argument);
      weft::detail::sanitizer_after_switch(self.guest.sanitizer);
      __builtin_ia32_ldmxcsr(0x1f80U | 0x04U);  // as a division by zero leaves it
      TypeParam::turn(self.guest, self.host);
      self.seen_later = __builtin_ia32_stmxcsr();
      TypeParam::turn(self.guest, self.host, true);
    }
  } r;
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(0x1f80U);
  r.host.adopt_thread();
  r.guest.start(r.stack, raiser::entry, &r);
  TypeParam::turn(r.host, r.guest);
  const unsigned between = __builtin_ia32_stmxcsr();
  TypeParam::turn(r.host, r.guest);
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(between, 0x1f80U);
  EXPECT_EQ(r.seen_later, 0x1f84U);
}

}  // namespace
