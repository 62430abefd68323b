// For torture.hpp, the inline switch: 12 integers and 8 doubles are made live across the statement, more than there are
// registers.
#pragma once
#include <cstdint>  // uint64_t, uintptr_t

#include "torture.hpp"

namespace weft::testing {

template <>
inline void torture<inline_rig>::turn_full(one& self, inline_rig& next, std::uint64_t key, torture_result& result) {
  struct site {
    // Made live and opaque on both sides of the switch, in the very function that holds it.
    WEFT_SWITCH_SITE static void turn(inline_rig& from, inline_rig& to, std::uintptr_t seed, torture_result& outcome) {
      std::uintptr_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13;
      std::uintptr_t g = seed * 17, h = seed * 19, i = seed * 23, j = seed * 29, k = seed * 31, l = seed * 37;
      double s = static_cast<double>(seed >> 12), t = s * 3, u = s * 5, v = s * 7, w = s * 11, x = s * 13, y = s * 17,
             z = s * 19;
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));  // no more at once: i386 has six registers
      asm volatile("" : "+r"(e), "+r"(f), "+r"(g), "+r"(h));
      asm volatile("" : "+r"(i), "+r"(j), "+r"(k), "+r"(l));
      asm volatile(""
                   : "+" WEFT_DOUBLE_REGISTER(s), "+" WEFT_DOUBLE_REGISTER(t), "+" WEFT_DOUBLE_REGISTER(u),
                     "+" WEFT_DOUBLE_REGISTER(v), "+" WEFT_DOUBLE_REGISTER(w), "+" WEFT_DOUBLE_REGISTER(x),
                     "+" WEFT_DOUBLE_REGISTER(y), "+" WEFT_DOUBLE_REGISTER(z));
      detail::sanitizer_before_switch(from.sanitizer, to.sanitizer, false);
      detail::switch_context(from.saved, to.saved);
      detail::sanitizer_after_switch(from.sanitizer);
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
      asm volatile("" : "+r"(e), "+r"(f), "+r"(g), "+r"(h));
      asm volatile("" : "+r"(i), "+r"(j), "+r"(k), "+r"(l));
      asm volatile(""
                   : "+" WEFT_DOUBLE_REGISTER(s), "+" WEFT_DOUBLE_REGISTER(t), "+" WEFT_DOUBLE_REGISTER(u),
                     "+" WEFT_DOUBLE_REGISTER(v), "+" WEFT_DOUBLE_REGISTER(w), "+" WEFT_DOUBLE_REGISTER(x),
                     "+" WEFT_DOUBLE_REGISTER(y), "+" WEFT_DOUBLE_REGISTER(z));
      const std::uintptr_t integers[] = {a, b, c, d, e, f, g, h, i, j, k, l};
      const std::uintptr_t factors[] = {1, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
      const double doubles[] = {s, t, u, v, w, x, y, z};
      for (int n = 0; n < 12; ++n) {
        check(outcome, integers[n] == seed * factors[n]);
      }
      for (int n = 0; n < 8; ++n) {
        check(outcome, doubles[n] == static_cast<double>(seed >> 12) * static_cast<double>(factors[n]));
      }
    }
  };
  site::turn(self.rig, next, static_cast<std::uintptr_t>(key), result);
}

}  // namespace weft::testing
