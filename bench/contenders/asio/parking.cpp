// Many coroutines that wait for one timer, which is what serves as an event in Asio: cancelling it wakes all.
#include <cstdint>  // size_t
#include <vector>   // coroutines

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/processor_time.hpp"

namespace contenders::on_asio {
namespace {

coroutine<> sit(timer& never, std::size_t& seated) {
  ++seated;
  std::error_code ignored;
  co_await never.async_wait(asio::redirect_error(use_coroutine, ignored));
}

void seat_all(asio::io_context& context, timer& never, std::size_t size) {
  std::size_t seated = 0;
  for (std::size_t i = 0; i < size; ++i) start(context, sit(never, seated));
  context.poll();
  check_equal("the number that wait", seated, size);
}

figures park_once(std::size_t size) {
  parked_meter meter(size);
  asio::io_context context(1);
  timer never(context, timer::time_point::max());
  seat_all(context, never, size);
  meter.all_wait();
  never.cancel();
  context.run();
  return meter.all_joined();
}

}  // namespace

// One worker: a timer may not be shared by threads.
figures parked(const options& o) {
  need_one_worker(o);
  const std::size_t size = o.size_or(10'000);
  if (o.has("warm")) park_once(size);
  return park_once(size);
}

figures idle(const options& o) {
  asio::io_context context(static_cast<int>(o.workers));
  timer never(context, timer::time_point::max());
  seat_all(context, never, o.size_or(100'000));
  figures result;
  {
    const kept_running workers(context, o.workers);
    result = idle_figures();
    asio::post(context, [&] { never.cancel(); });
  }
  return result;
}

}  // namespace contenders::on_asio
