// Register torture: many contexts switch to each other in random order, and everything that must survive a switch holds
// values that depend on (context, round). Needs no test framework, so that it can be built under any compiler flags.
//
// Naked switch: a piece of assembly fills every callee-saved register, calls weft_switch and stores what it finds after.
// Inline switch: inline_torture.hpp.
#pragma once
#include <cstdint>  // uint64_t
#include <deque>    // contexts: never moved
#include <memory>   // unique_ptr

#include "rig.hpp"
#include "support/machine.hpp"

namespace weft::testing {

struct torture_result {
  unsigned contexts = 0;
  std::uint64_t switches = 0;  // resumptions that were checked
  std::uint64_t checks = 0;    // values compared
  std::uint64_t wrong = 0;     // values that differed
};

inline std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// <abi>_torture_call.cpp: calls weft_switch with `values` in the callee-saved registers, and stores what they hold after.
extern "C" void weft_torture_call(void** save_sp, void* load_sp, void* value, std::uint64_t* values) noexcept;

template <class Rig>
struct torture {
  struct one {
    Rig rig;
    torture* all = nullptr;
    std::unique_ptr<mapped_stack> stack;
    std::uint64_t number = 0;
    std::uint64_t round = 0;
  };

  Rig host;
  std::deque<one> contexts;
  std::uint64_t random = 0;
  std::uint64_t left = 0;
  torture_result result;

  torture_result run(unsigned how_many, std::uint64_t switches, std::uint64_t seed) {
    random = seed;
    left = switches;
    result.contexts = how_many;
    host.adopt_thread();
    for (unsigned i = 0; i < how_many; ++i) {
      one& c = contexts.emplace_back();
      c.all = this;
      c.number = i;
      c.stack = std::make_unique<mapped_stack>(std::size_t{32} * 1024);
      c.rig.start(*c.stack, entry, &c);
    }
    Rig::turn(host, contexts.front().rig);
    return result;
  }

  WEFT_SWITCH_SITE static void entry(void* argument) noexcept {
    auto& self = *static_cast<one*>(argument);
    detail::sanitizer_after_switch(self.rig.sanitizer);
    for (;;) {
      step(self);
    }
  }

  // The next context: random, may be one that has not started, never the running one itself.
  Rig& pick(const one& self) {
    if (left == 0) {
      return host;
    }
    --left;
    random = mix(random);
    std::uint64_t index = random % (contexts.size() - 1);
    index += index >= self.number ? 1 : 0;
    return contexts[static_cast<std::size_t>(index)].rig;
  }

  [[gnu::noinline]] static void step(one& self) {
    ++self.round;
    Rig& next = self.all->pick(self);
    torture_result& result = self.all->result;
    turn_full(self, next, mix(self.number << 32 | self.round), result);
    ++result.switches;
  }

  static void check(torture_result& result, bool same) noexcept {
    ++result.checks;
    result.wrong += same ? 0 : 1;
  }

  static void turn_full(one& self, Rig& next, std::uint64_t key, torture_result& result);
};

template <>
inline void torture<naked_rig>::turn_full(one& self, naked_rig& next, std::uint64_t key, torture_result& result) {
  struct site {
    WEFT_SWITCH_SITE static void turn(naked_rig& from, naked_rig& to, std::uint64_t* values) noexcept {
      detail::sanitizer_before_switch(from.sanitizer, to.sanitizer, false);
      weft_torture_call(&from.saved, to.saved, to.argument, values);
      detail::sanitizer_after_switch(from.sanitizer);
    }
  };
  std::uint64_t values[callee_saved_values];
  for (std::uint64_t i = 0; i < callee_saved_values; ++i) {
    values[i] = mix(key + i);
  }
  site::turn(self.rig, next, values);
  for (std::uint64_t i = 0; i < callee_saved_values; ++i) {
    check(result, values[i] == mix(key + i));
  }
}

}  // namespace weft::testing

#if !defined(_WIN32)
#include "inline_torture.hpp"
#endif
