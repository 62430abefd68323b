// Many fibers that wait: for an event, for the time, for good; and time limits of what is over at once.
#include <algorithm>  // max
#include <chrono>     // sleeps
#include <cstddef>    // size_t
#include <cstdint>    // uint64_t
#include <vector>     // fibers

#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/processor_time.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {
namespace {

// Where all wait, and who knows that they do. (On another worker the last may have a few instructions to go.)
class waiting_room {
 public:
  explicit waiting_room(std::size_t seats) : empty_(static_cast<std::ptrdiff_t>(seats)) {}
  void sit() {
    empty_.count_down();
    open_.wait();
  }
  void until_all_sit() { empty_.wait(); }
  void open() { open_.set(); }

 private:
  weft::latch empty_;
  weft::event open_;
};

figures park_once(const options& o, std::size_t size) {
  waiting_room room(size);
  std::vector<weft::fiber<>> all(size);  // touched before the memory is read
  parked_meter meter(size);
  for (auto& f : all) f = weft::spawn(spread_over(o), [&room] { room.sit(); });
  room.until_all_sit();
  meter.all_wait();
  room.open();
  join_all(all);
  return meter.all_joined();
}

}  // namespace

figures parked(const options& o) {
  const std::size_t size = o.size_or(10'000);
  return inside(o, [&] {
    if (o.has("warm")) park_once(o, size);
    return park_once(o, size);
  });
}

figures sleepers(const options& o) {
  const std::size_t size = o.size_or(1'000'000);
  return inside(o, [&]() -> figures {
    std::vector<weft::fiber<>> all;
    all.reserve(size);
    std::chrono::nanoseconds longest{0};
    const double cpu = processor_s();
    const stopwatch watch;
    for (std::size_t i = 0; i < size; ++i) {
      const auto time = sleep_time(i);
      longest = std::max(longest, time);
      all.push_back(weft::spawn(spread_over(o), [time] { weft::this_fiber::sleep_for(time); }));
    }
    join_all(all);
    return {{"late_s", watch.s() - std::chrono::duration<double>(longest).count()}, {"cpu_s", processor_s() - cpu}};
  });
}

figures timer_cancel(const options& o) {
  return inside(o, [&] {
    return repeat(o, 0, [](std::uint64_t n) -> timed {
      std::uint64_t count = 0;
      const stopwatch watch;
      for (std::uint64_t i = 0; i < n; ++i) weft::with_timeout(std::chrono::hours(1), [&] { ++count; });
      const double ns = watch.ns();
      check_equal("the count", count, n);
      return {ns, n};
    });
  });
}

figures idle(const options& o) {
  const std::size_t size = o.size_or(100'000);
  waiting_room room(size);
  weft::runtime runtime(runtime_for(o));
  std::vector<weft::fiber<>> all;
  all.reserve(size);
  runtime.run([&] {
    for (std::size_t i = 0; i < size; ++i) all.push_back(weft::spawn(spread_over(o), [&room] { room.sit(); }));
    room.until_all_sit();
  });
  const figures result = idle_figures();
  room.open();
  join_all(all);
  return result;
}

}  // namespace contenders::on_weft
