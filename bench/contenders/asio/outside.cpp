// Work from a plain thread: what an io_context is made for.
#include <cstdint>  // uint64_t

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/all_done.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/wake.hpp"

namespace contenders::on_asio {
namespace {

coroutine<> be_done(all_done& of) {
  of.one();
  co_return;
}

}  // namespace

figures spawn_outside(const options& o) {
  const std::size_t size = o.size_or(10'000);
  asio::io_context context(static_cast<int>(o.workers));
  const kept_running workers(context, o.workers);
  return repeat(o, size, [&](std::uint64_t n) -> timed {
    const std::uint64_t rounds = batches(n, size);
    const stopwatch watch;
    for (std::uint64_t r = 0; r < rounds; ++r) {
      all_done done(size);
      for (std::size_t i = 0; i < size; ++i) start(context, be_done(done));
      done.wait();
    }
    return {watch.ns(), rounds * size};
  });
}

figures post(const options& o) {
  asio::io_context context(static_cast<int>(o.workers));
  const kept_running workers(context, o.workers);
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    all_done done(n);
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) asio::post(context, [&] { done.one(); });
    done.wait();
    return {watch.ns(), n};
  });
}

figures wake(const options& o) {
  asio::io_context context(static_cast<int>(o.workers));
  const kept_running workers(context, o.workers);
  return wake_figures(o, [&](moment& ran) { asio::post(context, [&] { ran.is_now(); }); });
}

}  // namespace contenders::on_asio
