// weft beside Boost.Fiber, in one run: repetitions alternate, and the result is the ratio of the medians. Absolute times
// on a shared machine drift; ratios of one run mean something.
#include <algorithm>   // sort
#include <cstdio>      // printf
#include <cstdlib>     // strtoul
#include <functional>  // function
#include <vector>      // samples

#include "compare/contenders.hpp"

namespace {

using compare::contender;

struct row {
  const char* what;
  std::function<double(const contender&)> measure;
};

struct figures {
  double least, median;
};

figures summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples.front(), samples[samples.size() / 2]};
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned repetitions = argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 7;
  if (repetitions == 0) {
    std::fprintf(stderr, "usage: %s [repetitions, 1 or more; default 7]\n", argv[0]);
    return 2;
  }
  const row rows[] = {
      {"yield, 2 fibers", [](const contender& c) { return c.yield(2, 1'000'000); }},
      {"yield, 1000 fibers", [](const contender& c) { return c.yield(1000, 1'000'000); }},
      {"yield, 100,000 fibers", [](const contender& c) { return c.yield(100'000, 1'000'000); }},
      {"spawn+join one at a time, 1 worker", [](const contender& c) { return c.spawn_join(1, 200'000); }},
      {"spawn+join batches of 10,000, 1 worker", [](const contender& c) { return c.spawn_batch(1, 10'000, 20); }},
      {"spawn+join one at a time, 2 workers", [](const contender& c) { return c.spawn_join(2, 200'000); }},
      {"spawn+join batches of 10,000, 2 workers", [](const contender& c) { return c.spawn_batch(2, 10'000, 20); }},
  };
  const contender& ours = compare::weft_contender();
  const contender* theirs = compare::boost_contender();
  std::printf("ns per operation, min / median of %u alternating repetitions\n", repetitions);
  std::printf("%-42s %18s %22s %8s\n", "", ours.name, theirs != nullptr ? theirs->name : "", "ratio");
  for (const row& r : rows) {
    std::vector<double> a;
    std::vector<double> b;
    for (unsigned i = 0; i < repetitions; ++i) {
      a.push_back(r.measure(ours));
      if (theirs != nullptr) b.push_back(r.measure(*theirs));
    }
    const figures us = summarize(a);
    std::printf("%-42s %8.1f / %7.1f", r.what, us.least, us.median);
    if (theirs != nullptr) {
      const figures them = summarize(b);
      std::printf(" %11.1f / %8.1f %7.1fx", them.least, them.median, them.median / us.median);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
