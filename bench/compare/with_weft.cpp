// The workloads on weft.
#include <vector>  // handles

#include <weft/weft.hpp>

#include "compare/contenders.hpp"

namespace compare {
namespace {

weft::runtime_options on(unsigned workers) {
  weft::runtime_options options;
  options.workers = workers;
  return options;
}

// All fibers are started, and have yielded once, before the time begins: else most of them would be over before the
// last one starts.
double yield(std::size_t fibers, std::size_t yields) {
  return weft::run(on(1), [=] {
    const std::size_t each = yields / fibers;
    std::size_t started = 0;
    double ns = 0;
    stopwatch time;
    std::vector<weft::fiber<>> all;
    all.reserve(fibers);
    for (std::size_t i = 0; i < fibers; ++i) {
      all.push_back(weft::spawn([&] {
        if (++started == fibers) time = stopwatch();
        while (started < fibers) weft::this_fiber::yield();
        for (std::size_t n = 0; n < each; ++n) weft::this_fiber::yield();
        ns = time.ns();
      }));
    }
    for (auto& f : all) f.join();
    return ns / static_cast<double>(each * fibers);
  });
}

double spawn_join(unsigned workers, std::size_t count) {
  return weft::run(on(workers), [=] {
    for (std::size_t i = 0; i < count / 10; ++i) weft::spawn([] {}).join();
    const stopwatch time;
    for (std::size_t i = 0; i < count; ++i) weft::spawn([] {}).join();
    return time.ns() / static_cast<double>(count);
  });
}

void batch_round(std::vector<weft::fiber<>>& all, std::size_t batch) {
  for (std::size_t i = 0; i < batch; ++i) all.push_back(weft::spawn([] {}));
  for (auto& f : all) f.join();
  all.clear();
}

double spawn_batch(unsigned workers, std::size_t batch, std::size_t rounds) {
  return weft::run(on(workers), [=] {
    std::vector<weft::fiber<>> all;
    all.reserve(batch);
    batch_round(all, batch);
    batch_round(all, batch);
    const stopwatch time;
    for (std::size_t r = 0; r < rounds; ++r) batch_round(all, batch);
    return time.ns() / static_cast<double>(batch * rounds);
  });
}

}  // namespace

const contender& weft_contender() {
  static constexpr contender c{"weft", &yield, &spawn_join, &spawn_batch};
  return c;
}

}  // namespace compare
