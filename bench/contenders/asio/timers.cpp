// A timer for each of many coroutines, and one that is over before its time.
#include <algorithm>  // max
#include <chrono>     // sleeps
#include <cstdint>    // uint64_t

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/processor_time.hpp"
#include "contenders/common/random.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"

namespace contenders::on_asio {
namespace {

coroutine<> sleep(executor on, std::chrono::nanoseconds time) {
  timer until(on, time);
  co_await until.async_wait(use_coroutine);
}

}  // namespace

figures sleepers(const options& o) {
  const std::size_t size = o.size_or(1'000'000);
  asio::io_context context(static_cast<int>(o.workers));
  std::chrono::nanoseconds longest{0};
  const double cpu = processor_s();
  const stopwatch watch;
  {
    const kept_running workers(context, o.workers);
    for (std::size_t i = 0; i < size; ++i) {
      const auto time = sleep_time(i);
      longest = std::max(longest, time);
      start(context, sleep(context.get_executor(), time));
    }
  }
  return {{"late_s", watch.s() - std::chrono::duration<double>(longest).count()}, {"cpu_s", processor_s() - cpu}};
}

// Each wait ends with its handler, told that it was cancelled: they are run every 64 times, as a loop of an io_context
// that has other work does. One other timer ends before and stays, as some do in most programs: with none, Asio would
// tell the kernel of each.
figures timer_cancel(const options& o) {
  need_one_worker(o);
  return repeat(o, 0, [](std::uint64_t n) -> timed {
    asio::io_context context(1);
    const auto keep = asio::make_work_guard(context);
    timer before(context.get_executor(), std::chrono::minutes(30)), limit(context.get_executor());
    before.async_wait([](const std::error_code&) {});
    std::uint64_t cancelled = 0;
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) {
      limit.expires_after(std::chrono::hours(1));
      limit.async_wait([&](const std::error_code& error) { cancelled += error ? 1U : 0U; });
      limit.cancel();
      if (i % 64 == 63) context.poll();
    }
    context.poll();
    const double ns = watch.ns();
    check_equal("the number of cancelled waits", cancelled, n);
    return {ns, n};
  });
}

}  // namespace contenders::on_asio
