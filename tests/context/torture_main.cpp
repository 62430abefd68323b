// The torture as a program of its own: tests/context/flag_matrix.py builds it under many compiler flags. The last line
// tells what was done, and the runner demands it: an early exit is not a pass.
#include <cstdio>  // printf

#include "torture.hpp"

namespace {
template <class Rig>
bool run() {
  const weft::testing::torture_result r = weft::testing::torture<Rig>{}.run(37, 100'000, 20'260'101);
  std::printf("%s: %u contexts, %llu switches, %llu checks, %llu wrong\n", Rig::name, r.contexts,
              static_cast<unsigned long long>(r.switches), static_cast<unsigned long long>(r.checks),
              static_cast<unsigned long long>(r.wrong));
  return r.wrong == 0 && r.switches > 99'900;
}
}  // namespace

int main() {
  const bool naked = run<weft::testing::naked_rig>();
  const bool inlined = run<weft::testing::inline_rig>();
  const bool ok = naked && inlined;
  std::printf("torture: end, %s\n", ok ? "all values survived" : "values were lost");
  return ok ? 0 : 1;
}
