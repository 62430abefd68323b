// Work from a plain thread: a fiber for each piece.
#include <cstdint>  // uint64_t

#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/wake.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {

figures post(const options& o) {
  weft::runtime runtime(runtime_for(o));
  return repeat(o, 0, [&](std::uint64_t n) -> timed {
    weft::latch all_done(static_cast<std::ptrdiff_t>(n));
    const stopwatch watch;
    for (std::uint64_t i = 0; i < n; ++i) runtime.spawn([&] { all_done.count_down(); }).detach();
    all_done.wait();
    return {watch.ns(), n};
  });
}

figures wake(const options& o) {
  weft::runtime runtime(runtime_for(o));
  return wake_figures(o, [&](moment& ran) { runtime.spawn([&ran] { ran.is_now(); }).detach(); });
}

}  // namespace contenders::on_weft
